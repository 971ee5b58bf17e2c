/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs, what is left after, and the one button. */
import { useConvexConnectionState } from "convex/react";
import { mod } from "../app/keys";
import { Button } from "../parts/Button";
import { credits, words } from "../words";
import type { Plan } from "./draft";
import type { SendFault } from "./useSend";

interface Props {
  plan: Plan;
  balance: number;
  busy: boolean;
  fault?: SendFault;
  onFewer: (count: number) => void;
}

function Sum({ plan, balance }: { plan: Plan; balance: number }) {
  const missing = plan.price - balance;
  const c = words.composer;
  return (
    <p className="sum num">
      <span>{c.sum(plan.count, plan.model.credits, plan.film)}</span>
      {missing > 0 ? <span className="alarm">{c.short(missing)}</span> : <span>{c.change(balance, balance - plan.price)}</span>}
    </p>
  );
}

export function PayBar({ plan, balance, busy, fault, onFewer }: Props) {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  const c = words.composer;
  const offline = hasEverConnected && !isWebSocketConnected;
  const short = plan.price > balance;
  const enoughFor = plan.model.credits > 0 ? Math.floor(balance / plan.model.credits) : plan.count;
  const note = fault?.at === "pay" ? fault.text : short ? c.shortHelp(enoughFor, plan.model.credits, plan.film) : offline ? c.offline : undefined;
  return (
    <div className="pay">
      <Sum plan={plan} balance={balance} />
      {note && <p id="pay-note" className={fault?.at === "pay" ? "wrong" : "small quiet"} role={fault ? "alert" : undefined}>{note}</p>}
      {short && enoughFor > 0 ? (
        <Button key="fewer" look="main tall" onClick={() => onFewer(enoughFor)}>
          <span>{c.makeFewer(enoughFor)}</span><span className="num price">{credits(enoughFor * plan.model.credits)}</span>
        </Button>
      ) : (
        <Button key="send" look="main tall" type="submit" busy={busy} idle={short || offline} aria-describedby={note ? "pay-note" : undefined}>
          <span>{c.generate}</span>
          <span className="num price">{credits(plan.price)} <kbd className="fine-pointer">{mod} ↵</kbd></span>
        </Button>
      )}
    </div>
  );
}
