/* SPDX-License-Identifier: Apache-2.0 */
/* Gives or takes credits, with a reason. What it does is shown before, and can be taken back after:
   by an adjustment of its own, so that the history stays true. */
import * as Radio from "@radix-ui/react-radio-group";
import { useMutation } from "convex/react";
import { useState, type FormEvent } from "react";
import { messageOf } from "../app/faults";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import { Button } from "../parts/Button";
import { Ask } from "./Ask";
import type { Whole } from "./User";
import { adminWords } from "./words";

const AMOUNT_MAX = 1_000_000_000;
const REASON_MAX = 200;
const a = adminWords.adjust;

interface Wish {
  gives: boolean;
  amount: number;
  reason: string;
}

interface Wrong {
  amount?: string;
  reason?: string;
}

function wrongIn(amount: number, reason: string): Wrong {
  return {
    amount: !Number.isInteger(amount) || amount <= 0 ? a.amountMissing : amount > AMOUNT_MAX ? a.amountTooLarge : undefined,
    reason: reason === "" ? a.reasonMissing : reason.length > REASON_MAX ? a.reasonTooLong : undefined,
  };
}

/* What the ledger will do: a debt is paid first, and a balance never goes below zero. */
export function effectOf(user: { credits: number; debt: number }, gives: boolean, amount: number) {
  const pays = gives ? Math.min(user.debt, amount) : 0;
  const taken = gives ? 0 : Math.min(user.credits, amount);
  return { after: user.credits + (gives ? amount - pays : -taken), pays, owed: gives ? 0 : amount - taken };
}

function Preview({ user, wish }: { user: Whole; wish: Wish }) {
  const { after, pays, owed } = effectOf(user, wish.gives, wish.amount);
  return (
    <>
      <p className="words">{wish.reason}</p>
      <p>{a.becomes(user.credits, after)} {pays > 0 && a.paysDebt(pays)} {owed > 0 && <span className="alarm">{a.owed(owed)}</span>}</p>
    </>
  );
}

function useAdjust(user: Whole) {
  const adjust = useMutation(api.credits.adjust);
  const [last, setLast] = useState<{ said: string; undo?: Wish; wrong?: boolean }>();
  const run = async (wish: Wish, undoing: boolean) => {
    const { newBalance } = await adjust({ userId: user.userId, amount: wish.gives ? wish.amount : -wish.amount, reason: wish.reason });
    const said = undoing ? a.undoneSaid(newBalance) : a.said(wish.gives, wish.amount, newBalance);
    setLast({ said, undo: undoing ? undefined : { ...wish, gives: !wish.gives, reason: a.undone(wish.reason).slice(0, REASON_MAX) } });
    reply(said);
  };
  const undo = async () => {
    const wish = last?.undo;
    if (!wish) return;
    setLast({ said: last.said });
    document.getElementById("adjust-amount")?.focus();
    await run(wish, true).catch((thrown: unknown) => setLast({ said: messageOf(thrown), undo: wish, wrong: true }));
  };
  return { last, run, undo };
}

export function Adjust({ user }: { user: Whole }) {
  const [gives, setGives] = useState(true);
  const [amount, setAmount] = useState("");
  const [reason, setReason] = useState("");
  const [wrong, setWrong] = useState<Wrong>({});
  const [wish, setWish] = useState<Wish>();
  const { last, run, undo } = useAdjust(user);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = { gives, amount: Number(amount.replace(/[\s,]/g, "") || NaN), reason: reason.trim() };
    const found = wrongIn(wanted.amount, wanted.reason);
    setWrong(found);
    if (!found.amount && !found.reason) return setWish(wanted);
    document.getElementById(found.amount ? "adjust-amount" : "adjust-reason")?.focus();
  };
  const act = async () => {
    await run(wish!, false);
    setAmount("");
    setReason("");
  };
  return (
    <section aria-labelledby="adjust">
      <h2 id="adjust">{a.title}</h2>
      <form className="adjust" data-unsent onSubmit={submit} noValidate>
        <Radio.Root className="wordlist" aria-label={a.direction} orientation="horizontal" value={gives ? "give" : "take"} onValueChange={(value) => setGives(value === "give")}>
          <Radio.Item className="word" value="give">{a.give}</Radio.Item>
          <Radio.Item className="word" value="take">{a.take}</Radio.Item>
        </Radio.Root>
        <div className="field">
          <label htmlFor="adjust-amount">{a.amount}</label>
          <input
            id="adjust-amount" className="input num" inputMode="numeric" autoComplete="off" value={amount} aria-invalid={wrong.amount ? true : undefined}
            aria-describedby={wrong.amount ? "adjust-amount-wrong" : undefined} onChange={(event) => setAmount(event.target.value)}
          />
          {wrong.amount && <p id="adjust-amount-wrong" className="wrong">{wrong.amount}</p>}
        </div>
        <div className="field">
          <label htmlFor="adjust-reason">{a.reason}</label>
          <input
            id="adjust-reason" className="input" autoComplete="off" value={reason} aria-invalid={wrong.reason ? true : undefined}
            aria-describedby="adjust-reason-help" onChange={(event) => setReason(event.target.value)}
          />
          <p id="adjust-reason-help" className={wrong.reason ? "wrong" : "help"}>{wrong.reason ?? a.reasonHelp}</p>
        </div>
        <div><Button type="submit" look="main">{a.preview}</Button></div>
      </form>
      {last && (
        <p className={last.wrong ? "wrong" : undefined}>
          {last.said} {last.undo && <button type="button" className="word underlined" onClick={() => void undo()}>{a.undo}</button>}
        </p>
      )}
      {wish && (
        <Ask title={a.ask(wish.gives, wish.amount, user.email)} act={a.act(wish.gives, wish.amount)} destroys={!wish.gives} onAct={act} onClose={() => setWish(undefined)}>
          <Preview user={user} wish={wish} />
        </Ask>
      )}
    </section>
  );
}
