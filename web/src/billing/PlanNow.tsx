/* SPDX-License-Identifier: Apache-2.0 */
/* The plan that counts now: what it costs, when next, and the door to card and invoices. */
import { useAction } from "convex/react";
import { api } from "../convex/_generated/api";
import { Button } from "../parts/Button";
import { Anchor } from "./Anchor";
import { givesOf, isRunning, isYearly, nextOf, planOf } from "./facts";
import type { Books } from "./live";
import { fullDate, money } from "./money";
import type { Pay } from "./usePay";
import { words } from "./words";

export function PlanNow({ books, pay }: { books: Books; pay: Pay }) {
  const p = words.plan;
  const open = useAction(api.stripe.createCustomerPortalSession);
  const plan = planOf(books);
  const subscription = isRunning(books.subscription) ? books.subscription : undefined;
  const next = subscription && nextOf(subscription, plan);
  const yearly = isYearly(books.subscription, plan);
  const paid = plan !== undefined && plan.price > 0;
  const facts: [string, string | undefined][] = [
    [plan?.name ?? books.wallet.planKey, plan && givesOf(plan)],
    [p.trial, subscription?.status === "trialing" && subscription.trialEnd !== undefined ? fullDate(subscription.trialEnd) : undefined],
    next ?? ["", undefined],
  ];
  return (
    <section className="narrow" aria-labelledby="plan">
      <h2 id="plan">{p.title}</h2>
      <p className="figure price">
        {plan ? money(yearly ? plan.priceYearly : plan.price, plan.currency, !paid) : p.free}
        {paid && <small>{yearly ? p.year : p.month}</small>}
      </p>
      <dl className="meta roomy">
        {facts.map(([name, value]) => value && <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
      {books.wallet.canPay && (
        <div className="sectionacts">
          <Anchor className="button" part="plans">{subscription ? p.change : p.choose}</Anchor>
          {books.wallet.hasPortal && (
            <Button busy={pay.busy === "portal"} onClick={() => void pay.run("portal", () => open({}))}>{p.portal}</Button>
          )}
        </div>
      )}
      {pay.fault?.at === "portal" && <p className="wrong" role="alert">{pay.fault.text}</p>}
    </section>
  );
}
