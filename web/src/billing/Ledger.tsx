/* SPDX-License-Identifier: Apache-2.0 */
/* Every change of the balance, newest first, a page at a time. A row that a work made opens its receipt. */
import * as Radio from "@radix-ui/react-radio-group";
import { usePaginatedQuery } from "convex/react";
import { lazy, Suspense, useState } from "react";
import { useJobs, useNow } from "../app/live";
import { navigate, usePlace, withQuery } from "../app/router";
import { moment, number } from "../format";
import { Button } from "../parts/Button";
import { isAlive, type JobId } from "../types";
import { historyByPage, type Row, type RowType } from "./live";
import { words } from "./words";

const Receipt = lazy(() => import("../parts/Receipt"));

const PAGE = 20;
const types = Object.keys(words.types) as RowType[];

const signed = (amount: number) => (amount > 0 ? `+${number(amount)}` : number(amount).replace("-", "−"));

function Filter({ type }: { type: RowType | undefined }) {
  const choose = (value: string) => navigate(withQuery("show", value === "all" ? undefined : value), { replace: true, stay: true });
  return (
    <Radio.Root className="wordlist" aria-label={words.ledger.show} orientation="horizontal" value={type ?? "all"} onValueChange={choose}>
      <Radio.Item className="word" value="all">{words.ledger.all}</Radio.Item>
      {types.map((one) => <Radio.Item key={one} className="word" value={one}>{words.types[one]}</Radio.Item>)}
    </Radio.Root>
  );
}

interface LineProps {
  row: Row;
  now: number;
  isHeld: boolean;
  onReceipt: (id: JobId) => void;
}

function Line({ row, now, isHeld, onReceipt }: LineProps) {
  const l = words.ledger;
  const id = row.generationId;
  return (
    <tr>
      <td className="when">{moment(row.createdAt, now)}</td>
      <td>
        {row.description}{" "}
        {isHeld && <span className="lit"><span className="lamp" /> {l.held} </span>}
        {id && (
          <button type="button" className="word linked small" aria-label={l.receiptOf(row.description)} onClick={() => onReceipt(id)}>{l.receipt}</button>
        )}
      </td>
      <td className="r">{row.amount > 0 ? <b>{signed(row.amount)}</b> : signed(row.amount)}</td>
      <td className="r balance">{number(row.balanceAfter)}</td>
    </tr>
  );
}

export function Ledger() {
  const { query } = usePlace();
  const wanted = query.get("show") as RowType | null;
  const type = wanted && types.includes(wanted) ? wanted : undefined;
  const { results, status, loadMore } = usePaginatedQuery(historyByPage, type ? { type } : {}, { initialNumItems: PAGE });
  const [open, setOpen] = useState<JobId>();
  const now = useNow(60_000);
  const held = new Set((useJobs() ?? []).filter(isAlive).map((job) => job._id));
  const l = words.ledger;
  return (
    <section className="whole" aria-labelledby="ledger">
      <div className="rowline sectionhead"><h2 id="ledger" tabIndex={-1}>{l.title}</h2><Filter type={type} /></div>
      {status !== "LoadingFirstPage" && results.length === 0 && <p className="quiet">{type ? l.emptyKind : l.empty}</p>}
      {results.length > 0 && (
        <table className="ledger">
          <caption className="sr">{l.title}</caption>
          <thead>
            <tr>
              <th scope="col">{l.when}</th><th scope="col">{l.what}</th>
              <th scope="col" className="r">{l.amount}</th><th scope="col" className="r balance">{l.balance}</th>
            </tr>
          </thead>
          <tbody>
            {results.map((row) => (
              <Line
                key={row._id} row={row} now={now} onReceipt={setOpen}
                isHeld={row.type === "USAGE" && row.generationId !== undefined && held.has(row.generationId)}
              />
            ))}
          </tbody>
        </table>
      )}
      {(status === "CanLoadMore" || status === "LoadingMore") && (
        <div className="sectionacts"><Button busy={status === "LoadingMore"} onClick={() => loadMore(2 * PAGE)}>{l.earlier}</Button></div>
      )}
      <Suspense>{open && <Receipt jobId={open} onClose={() => setOpen(undefined)} />}</Suspense>
    </section>
  );
}
