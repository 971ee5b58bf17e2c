/* SPDX-License-Identifier: Apache-2.0 */
/* What a person must know before anything else on the page: what went wrong with money, and what
   has just happened at the payment service. */
import { usePlace, withQuery, Link } from "../app/router";
import { size } from "../format";
import { words as common } from "../words";
import { firstPlan, isRunning, isYearly, planOf, type Books } from "./live";
import { dateOf } from "./money";
import { sumOf } from "./PlanNow";
import { words } from "./words";

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

/* Where the payment service sent the browser back to. Gone when it was closed, or at the next page. */
function Returned() {
  const { query } = usePlace();
  const how = query.get("checkout");
  if (how !== "done" && how !== "left") return null;
  return (
    <p className="told" role="status">
      {how === "done" ? words.notice.done : words.notice.left}{" "}
      <Link className="word" href={withQuery("checkout", undefined)} replace stay>{common.close}</Link>
    </p>
  );
}

export function Notices({ books }: { books: Books }) {
  return (
    <div className="tolds">
      <Returned />
      {noticesOf(books).map((one) => <p key={one.text} className={one.bad ? "told alarm" : "told"}>{one.text}</p>)}
    </div>
  );
}
