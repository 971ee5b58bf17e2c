/* SPDX-License-Identifier: Apache-2.0 */
/* What the studio does by itself: when last, how much it did then, and when next. */
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { useNow } from "../app/live";
import { api } from "../convex/_generated/api";
import { dayName, number, timeOfDay } from "../format";
import { Table, type Column } from "./Table";
import { adminWords } from "./words";

type Cron = FunctionReturnType<typeof api.admin.listCrons>[number];
const s = adminWords.schedule;

const at = (time: number | undefined, now: number) => (time === undefined ? s.notYet : `${dayName(time, now)}, ${timeOfDay(time)}`);

const columnsAt = (now: number): Column<Cron>[] => [
  { name: s.name, cell: (cron) => <>{s.nameOf(cron.name)}<span className="why">{cron.about.replace(/ \([A-Z0-9, …-]+\)/, "")}</span></> },
  { name: s.last, cell: (cron) => at(cron.lastRun, now), small: "under" },
  { name: s.count, cell: (cron) => (cron.lastRun === undefined ? "" : number(cron.lastCount)), right: true, small: "figure" },
  { name: s.next, cell: (cron) => at(cron.nextRun, now), right: true },
];

export function Schedule() {
  const list = useQuery(api.admin.listCrons, {});
  const now = useNow(60_000);
  return list ? <Table caption={s.caption} columns={columnsAt(now)} rows={list} keyOf={(cron) => cron.name} /> : null;
}
