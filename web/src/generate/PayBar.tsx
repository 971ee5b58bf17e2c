/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs, what is left after, and the one button. */
import { useConvexConnectionState, useQuery } from "convex/react";
import { mod } from "../app/keys";
import { navigate } from "../app/router";
import { api } from "../convex/_generated/api";
import { Button } from "../parts/Button";
import { credits, words } from "../words";
import { enoughFor, type Plan } from "./plan";
import { Rates } from "./Rates";
import type { SendFault } from "./useSend";

interface Props {
  plan: Plan;
  balance: number;
  busy: boolean;
  fault?: SendFault;
}

function Sum({ plan, balance }: { plan: Plan; balance: number }) {
  const missing = plan.price - balance;
  const c = words.composer;
  return (
    <p className="sum num">
      <span>{c.sum(plan.count, plan.each, plan.film)}</span>
      {missing > 0 ? <span className="alarm">{c.short(missing)}</span> : <span>{c.change(balance, balance - plan.price)}</span>}
    </p>
  );
}

export function PayBar({ plan, balance, busy, fault }: Props) {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  const c = words.composer;
  const offline = hasEverConnected && !isWebSocketConnected;
  const short = plan.price > balance;
  const enough = enoughFor(plan, balance);
  const fewer = short && enough > 0;
  const wallet = useQuery(api.billing.getMyWallet, short && !fewer ? {} : "skip");
  const canBuy = wallet?.canPay === true && short && !fewer;
  const note = fault?.at === "pay" ? fault.text : short ? (canBuy ? c.shortBuy : c.shortHelp(enough, plan.each, plan.film)) : offline ? c.offline : undefined;
  return (
    <div className="pay">
      <Sum plan={plan} balance={balance} />
      {note && <p id="pay-note" className={fault?.at === "pay" ? "wrong" : "small quiet"} role={fault ? "alert" : undefined}>{note}</p>}
      <Rates film={plan.film} />
      {canBuy ? (
        <Button look="main tall" onClick={() => navigate("/billing#packages")} aria-describedby={note ? "pay-note" : undefined}>{c.buyCredits}</Button>
      ) : (
        <Button look="main tall" type="submit" busy={busy} idle={(short && !fewer) || offline} aria-describedby={note ? "pay-note" : undefined}>
          <span>{fewer ? c.makeFewer(enough) : c.generate}</span>
          <span className="num price">
            {credits(fewer ? enough * plan.each : plan.price)} {!fewer && <kbd className="fine-pointer">{mod} ↵</kbd>}
          </span>
        </Button>
      )}
    </div>
  );
}
