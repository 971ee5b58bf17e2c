/* SPDX-License-Identifier: Apache-2.0 */
/* How each provider does with each model: failures, time, cost, and whether it is left alone. */
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { api } from "../convex/_generated/api";
import { number, timeOfDay, took } from "../format";
import { dollars } from "./money";
import { Table, type Column } from "./Table";
import { adminWords } from "./words";

type Health = FunctionReturnType<typeof api.admin.listProviderHealth>[number];
const p = adminWords.providers;

function rateOf({ done, failed }: Health) {
  return done + failed === 0 ? "" : p.percent(failed / (done + failed));
}

const columns: Column<Health>[] = [
  { name: p.provider, cell: (one) => <><b>{one.provider}</b> {one.model}</> },
  {
    name: p.state, small: "under",
    cell: (one) => (one.leftAloneUntil === undefined ? p.answers : <span className="alarm">{p.resting(timeOfDay(one.leftAloneUntil))}</span>),
  },
  { name: p.done, cell: (one) => number(one.done), right: true },
  { name: p.failed, cell: (one) => number(one.failed), right: true },
  { name: p.rate, cell: rateOf, right: true, small: "figure" },
  { name: p.time, cell: (one) => (one.averageSeconds === undefined ? "" : took(one.averageSeconds)), right: true },
  { name: p.cost, cell: (one) => dollars(one.costMicros), right: true },
  { name: p.orphaned, cell: (one) => number(one.orphaned), right: true },
];

export function Providers() {
  const list = useQuery(api.admin.listProviderHealth, {});
  if (!list) return null;
  if (list.length === 0) return <p className="quiet none">{p.none}</p>;
  return (
    <>
      <Table caption={p.caption} columns={columns} rows={list} keyOf={(one) => `${one.provider} ${one.model}`} />
      <p className="small quiet none">{p.orphanedHelp}</p>
    </>
  );
}
