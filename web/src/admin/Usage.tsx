/* SPDX-License-Identifier: Apache-2.0 */
/* The weeks that are over, summed up. */
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { api } from "../convex/_generated/api";
import { number } from "../format";
import { dollars } from "./money";
import { Table, type Column } from "./Table";
import { adminWords } from "./words";

type Week = FunctionReturnType<typeof api.admin.listUsageReports>[number];
const u = adminWords.usage;

const columns: Column<Week>[] = [
  { name: u.week, cell: (week) => week.week },
  { name: u.people, cell: (week) => number(week.users), right: true },
  { name: u.asked, cell: (week) => number(week.generationsCount), right: true },
  { name: u.done, cell: (week) => number(week.generationsSuccess), right: true },
  { name: u.failed, cell: (week) => number(week.generationsFailed), right: true },
  { name: u.credits, cell: (week) => number(week.creditsUsed), right: true, small: "figure" },
  { name: u.cost, cell: (week) => dollars(week.costMicros), right: true, small: "under" },
];

export function Usage() {
  const list = useQuery(api.admin.listUsageReports, {});
  if (!list) return null;
  if (list.length === 0) return <p className="quiet none">{u.none}</p>;
  return <Table caption={u.caption} columns={columns} rows={list} keyOf={(week) => week.week} />;
}
