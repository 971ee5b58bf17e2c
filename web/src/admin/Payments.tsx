/* SPDX-License-Identifier: Apache-2.0 */
/* Payments that were disputed, or taken back after what they bought was spent. */
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { useState } from "react";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import { number } from "../format";
import { Button } from "../parts/Button";
import { Ask } from "./Ask";
import { Table, type Column } from "./Table";
import { adminWords } from "./words";

type Review = FunctionReturnType<typeof api.admin.listPaymentReviews>[number];
const p = adminWords.payments;

const columnsOf = (onClose: (review: Review) => void): Column<Review>[] => [
  { name: p.who, cell: (review) => review.email || adminWords.unknown },
  { name: p.customer, cell: (review) => <span className="code">{review.customerId ?? ""}</span> },
  { name: p.debt, cell: (review) => number(review.debt), right: true, small: "figure" },
  { name: p.done, cell: (review) => <Button onClick={() => onClose(review)}>{p.done}</Button>, right: true, small: "under" },
];

export function Payments() {
  const list = useQuery(api.admin.listPaymentReviews, {});
  const close = useMutation(api.admin.closePaymentReview);
  const [asked, setAsked] = useState<Review>();
  const act = async () => {
    await close({ userId: asked!.userId });
    reply(p.said);
  };
  return (
    <>
      {list?.length === 0 && <p className="quiet none">{p.none}</p>}
      {list && list.length > 0 && (
        <Table caption={p.caption} columns={columnsOf(setAsked)} rows={list} keyOf={(review) => review.userId} hrefOf={(review) => `/admin/users/${review.userId}`} />
      )}
      {asked && (
        <Ask title={p.ask(asked.email)} act={p.act} onAct={act} onClose={() => setAsked(undefined)}>
          <p>{p.text(asked.debt)}</p>
        </Ask>
      )}
    </>
  );
}
