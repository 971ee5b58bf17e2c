/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from plans, subscription and wallet, in words: no component, no query. */
import { size } from "../format";
import type { Books, Plan, Subscription } from "./live";
import { dateOf, fullDate, money } from "./money";
import { words } from "./words";

/* It gives its plan: it runs, or payment is only late. */
export const isRunning = (one: Subscription | null): one is Subscription =>
  one !== null && (one.status === "active" || one.status === "trialing" || one.status === "past_due");

/* The plan that counts now, the one a person has without paying, and the sum of the subscription. */
export const planOf = (books: Books) => books.plans.find((plan) => plan.key === books.wallet.planKey);
export const firstPlan = (plans: Plan[]) => plans.find((plan) => plan.price === 0);
export const yearlyPrice = (plan: Plan | undefined) => plan?.stripePriceIdYearly ?? plan?.polarProductIdYearly;
/* Only to what the same service sells by name. */
export const canChangeTo = (plan: Plan, one: Subscription) =>
  (one.processor === "polar" ? plan.polarProductId : plan.stripePriceId) !== undefined;
export const isYearly = (one: Subscription | null, plan: Plan | undefined) =>
  one?.priceId !== undefined && one.priceId === yearlyPrice(plan);

export function givesOf(plan: Plan): string {
  const p = words.plan;
  const credits = plan.credits > 0 ? p.credits(plan.credits) : plan.creditsOnce > 0 ? p.creditsOnce(plan.creditsOnce) : "";
  return [credits, p.room(size(plan.storageBytes))].filter(Boolean).join(", ");
}

/* The operator's own lines, and what they do not say of credits and room. */
export function linesOf(plan: Plan): string[] {
  const p = words.plan;
  const says = (what: RegExp) => plan.features.some((line) => what.test(line));
  const credits = plan.credits > 0 ? p.credits(plan.credits) : plan.creditsOnce > 0 ? p.creditsOnce(plan.creditsOnce) : undefined;
  const room = says(/\d\s?[MGT]B/) ? undefined : p.room(size(plan.storageBytes));
  return [says(/credit/i) ? undefined : credits, room, ...plan.features].filter((line) => line !== undefined);
}

export function sumOf(plan: Plan, yearly: boolean): string {
  return `${money(yearly ? plan.priceYearly : plan.price, plan.currency)} ${yearly ? words.plan.year : words.plan.month}`;
}

/* What comes next, and when. */
export function nextOf(subscription: Subscription, plan: Plan | undefined): [string, string] | undefined {
  const p = words.plan;
  const trial = subscription.status === "trialing" ? subscription.trialEnd : undefined;
  const end = trial ?? subscription.currentPeriodEnd;
  if (end === undefined) return undefined;
  if (subscription.cancelAtPeriodEnd) return [p.ends, fullDate(end)];
  const yearly = isYearly(subscription, plan);
  return [p.next, plan ? p.on(fullDate(end), money(yearly ? plan.priceYearly : plan.price, plan.currency)) : fullDate(end)];
}

export interface Told {
  text: string;
  bad?: boolean;
}

/* What the subscription's state means; nothing when all is as usual. */
function ofSubscription(books: Books): Told | undefined {
  const n = words.notice;
  const one = books.subscription;
  if (!one) return undefined;
  const plan = books.plans.find((each) => each.key === one.planKey);
  const name = plan?.name ?? words.plan.title;
  const end = one.currentPeriodEnd === undefined ? undefined : dateOf(one.currentPeriodEnd);
  if (one.status === "past_due") return { text: n.pastDue(name), bad: true };
  if (one.status === "unpaid") return { text: n.unpaid(name), bad: true };
  if (one.status === "incomplete") return { text: n.incomplete };
  if (one.status === "paused") return { text: n.paused(name) };
  if (isRunning(one) && one.cancelAtPeriodEnd) return { text: n.ending(name, end ?? words.ask.endOfPeriod) };
  if (one.status === "trialing" && plan && one.trialEnd !== undefined)
    return { text: n.trial(name, dateOf(one.trialEnd), sumOf(plan, isYearly(one, plan))) };
  const over = one.endedAt ?? one.currentPeriodEnd;
  const isOver = one.status === "canceled" && planOf(books)?.key === firstPlan(books.plans)?.key;
  return isOver && over !== undefined ? { text: n.over(name, dateOf(over)) } : undefined;
}

export function noticesOf(books: Books): Told[] {
  const n = words.notice;
  const { wallet } = books;
  const list: (Told | undefined)[] = [
    wallet.debt > 0 ? { text: n.debt(wallet.debt), bad: true } : wallet.needsReview ? { text: n.review, bad: true } : undefined,
    ofSubscription(books),
    books.subscription && books.subscription.overPlanBytes > 0 ? { text: words.plan.beyond(size(books.subscription.overPlanBytes)) } : undefined,
    wallet.canPay ? undefined : { text: n.noPayments },
  ];
  return list.filter((one) => one !== undefined);
}

/* The one that is offered first: the next dearer than the plan that is there. */
export function mainOf(books: Books): string | undefined {
  if (isRunning(books.subscription) && books.subscription.cancelAtPeriodEnd) return undefined;
  const own = books.plans.find((plan) => plan.key === books.wallet.planKey);
  return books.plans.find((plan) => plan.price > (own?.price ?? 0))?.key;
}
