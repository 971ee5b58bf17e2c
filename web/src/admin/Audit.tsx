/* SPDX-License-Identifier: Apache-2.0 */
/* What those who run the studio did to others, and why. */
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { useNow } from "../app/live";
import { Link } from "../app/router";
import { api } from "../convex/_generated/api";
import { moment } from "../format";
import { signed } from "./money";
import { Table, type Column } from "./Table";
import { adminWords } from "./words";

type Act = FunctionReturnType<typeof api.admin.listAudit>[number];
const a = adminWords.audit;

const whom = (act: Act) => (act.userId ? <Link href={`/admin/users/${act.userId}`}>{act.userEmail || adminWords.unknown}</Link> : "");

const columnsAt = (now: number): Column<Act>[] => [
  { name: a.what, cell: (act) => <>{a.actionOf(act.action)}<span className="why">{act.detail}</span></> },
  { name: a.whom, cell: whom, small: "under" },
  { name: a.who, cell: (act) => (act.actorId ? act.actorEmail || adminWords.unknown : adminWords.nobody) },
  { name: a.when, cell: (act) => moment(act.at, now) },
  { name: a.amount, cell: (act) => (act.amount === 0 ? "" : signed(act.amount)), right: true, small: "figure" },
];

export function Audit() {
  const list = useQuery(api.admin.listAudit, {});
  const now = useNow(60_000);
  if (!list) return null;
  if (list.length === 0) return <p className="quiet none">{a.none}</p>;
  return <Table caption={a.caption} columns={columnsAt(now)} rows={list} keyOf={(act) => `${act.at} ${act.action} ${act.userId}`} />;
}
