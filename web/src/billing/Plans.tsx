/* SPDX-License-Identifier: Apache-2.0 */
/* The plans beside one another. A button says what happens and when; a change is asked about first. */
import * as Radio from "@radix-ui/react-radio-group";
import { useAction } from "convex/react";
import { lazy, Suspense, useState } from "react";
import { api } from "../convex/_generated/api";
import { Button } from "../parts/Button";
import { canChangeTo, firstPlan, isRunning, linesOf, mainOf, yearlyPrice } from "./facts";
import type { Books, Plan, Subscription } from "./live";
import { dateOf, money } from "./money";
import type { Asked } from "./PlanDialog";
import type { Pay } from "./usePay";
import { words } from "./words";

const PlanDialog = lazy(() => import("./PlanDialog"));

interface CardProps {
  plan: Plan;
  books: Books;
  pay: Pay;
  yearly: boolean;
  isMain: boolean;
  onAsk: (asked: Asked) => void;
}

/* A plan that is paid for and ends may be taken up again; one that is not ending may be ended. */
function OwnAct({ plan, subscription, pay, onAsk }: CardProps & { subscription: Subscription }) {
  const keep = useAction(api.stripe.reactivateSubscription);
  const p = words.plan;
  if (!subscription.cancelAtPeriodEnd) return <Button onClick={() => onAsk({ kind: "cancel", plan })}>{p.cancel}</Button>;
  const press = () => pay.run(plan.key, () => keep({ stripeSubscriptionId: subscription.stripeSubscriptionId }), words.said.kept);
  return <Button look="main" busy={pay.busy === plan.key} onClick={() => void press()}>{p.keep(plan.name)}</Button>;
}

function Act(props: CardProps) {
  const { plan, books, pay, yearly, isMain, onAsk } = props;
  const byPlan = useAction(api.stripe.createSubscriptionCheckoutSession);
  const byPrice = useAction(api.subscriptions.createCheckoutSession);
  const p = words.plan;
  const subscription = isRunning(books.subscription) ? books.subscription : undefined;
  const isMine = plan.key === books.wallet.planKey;
  if (isMine && subscription && plan.price > 0) return <OwnAct {...props} subscription={subscription} />;
  if (isMine) return null;
  if (plan.price === 0) {
    if (!subscription || plan.key !== firstPlan(books.plans)?.key) return null;
    const day = subscription.currentPeriodEnd === undefined ? undefined : dateOf(subscription.currentPeriodEnd);
    if (subscription.cancelAtPeriodEnd) return day ? <p className="quiet">{p.from(day)}</p> : null;
    const own = books.plans.find((one) => one.key === books.wallet.planKey) ?? plan;
    return <Button onClick={() => onAsk({ kind: "cancel", plan: own })}>{day ? p.goTo(plan.name, day) : p.goToSoon(plan.name)}</Button>;
  }
  if (subscription) {
    if (!canChangeTo(plan, subscription)) return null;
    return <Button look={isMain ? "main" : undefined} onClick={() => onAsk({ kind: "change", plan })}>{p.changeTo(plan.name)}</Button>;
  }
  const price = yearly ? yearlyPrice(plan) : undefined;
  const ask = () => (price === undefined ? byPlan({ planId: plan.key }) : byPrice({ priceId: price }));
  return (
    <Button look={isMain ? "main" : undefined} busy={pay.busy === plan.key} onClick={() => void pay.run(plan.key, ask)}>{p.pick(plan.name)}</Button>
  );
}

function Card(props: CardProps) {
  const { plan, books, pay, yearly } = props;
  const p = words.plan;
  const isMine = plan.key === books.wallet.planKey;
  const byYear = yearly && plan.priceYearly > 0 && yearlyPrice(plan) !== undefined;
  /* What costs nothing is only the first plan; of another, no price was told. */
  const hasPrice = plan.price > 0 || plan.key === firstPlan(books.plans)?.key;
  const lines = [
    ...linesOf(plan),
    plan.price > 0 && plan.trialDays > 0 && !books.wallet.hadTrial && !books.subscription ? p.trialDays(plan.trialDays) : undefined,
  ].filter((line) => line !== undefined);
  return (
    <li className={isMine ? "plan mine" : "plan"}>
      <h3>{plan.name} {isMine && <small>{p.yours}</small>}</h3>
      <p className="figure price">
        {hasPrice ? money(byYear ? plan.priceYearly : plan.price, plan.currency, true) : p.asked}
        {plan.price > 0 && <small>{byYear ? p.year : p.month}</small>}
      </p>
      <ul>{lines.map((line) => <li key={line}>{line}</li>)}</ul>
      <div className="planact">
        {books.wallet.canPay && <Act {...props} />}
        {pay.fault?.at === plan.key && <p className="wrong" role="alert">{pay.fault.text}</p>}
      </div>
    </li>
  );
}

export function Plans({ books, pay }: { books: Books; pay: Pay }) {
  const [yearly, setYearly] = useState(false);
  const [asked, setAsked] = useState<Asked>();
  const p = words.plan;
  const canChoose = books.wallet.canPay && !isRunning(books.subscription);
  const hasYears = canChoose && books.plans.some((plan) => plan.priceYearly > 0 && yearlyPrice(plan) !== undefined);
  const main = mainOf(books);
  return (
    <section className="whole" aria-labelledby="plans">
      <div className="rowline sectionhead">
        <h2 id="plans" tabIndex={-1}>{words.sections.plans}</h2>
        {hasYears && (
          <Radio.Root
            className="seg" aria-label={p.paid} orientation="horizontal" value={yearly ? "year" : "month"}
            onValueChange={(value) => setYearly(value === "year")}
          >
            <Radio.Item value="month">{p.monthly}</Radio.Item>
            <Radio.Item value="year">{p.yearly}</Radio.Item>
          </Radio.Root>
        )}
      </div>
      <ul className="plans">
        {books.plans.map((plan) => (
          <Card key={plan.key} plan={plan} books={books} pay={pay} yearly={yearly && hasYears} isMain={plan.key === main} onAsk={setAsked} />
        ))}
      </ul>
      <Suspense>
        {asked && books.subscription && (
          <PlanDialog asked={asked} subscription={books.subscription} free={firstPlan(books.plans)} pay={pay} onClose={() => setAsked(undefined)} />
        )}
      </Suspense>
    </section>
  );
}
