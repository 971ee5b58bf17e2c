/* SPDX-License-Identifier: Apache-2.0 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { canChangeTo, linesOf, mainOf, nextOf, noticesOf } from "../billing/facts";
import type { Books, Plan, Subscription } from "../billing/live";
import { micros, money, unitPrice } from "../billing/money";

const plan = (key: string, price: number, more: Partial<Plan> = {}): Plan => ({
  key, planId: key, name: key.toUpperCase(), currency: "usd", price, priceYearly: 0, storageBytes: 1, trialDays: 0, credits: 0, creditsOnce: 0,
  features: [], isActive: true, ...more,
});
const DAY = 86_400_000;
const at = Date.UTC(new Date().getFullYear(), 5, 15, 12);
const subscription = (more: Partial<Subscription> = {}) =>
  ({ processor: "stripe", status: "active", planKey: "pro", currentPeriodEnd: at, cancelAtPeriodEnd: false, overPlanBytes: 0, ...more }) as Subscription;
const books = (one: Subscription | null, wallet: Partial<Books["wallet"]> = {}): Books => ({
  plans: [plan("free", 0), plan("pro", 2900, { stripePriceId: "p" }), plan("max", 9900)], packages: [], invoices: [], days: [], quota: null, subscription: one,
  wallet: {
    canPay: true, packagesNeedPlan: false, hasPortal: true, hadTrial: true, planKey: one ? "pro" : "free", available: 1, held: 0, debt: 0,
    needsReview: false, parts: [], ...wallet,
  },
});
const texts = (of: Books) => noticesOf(of).map((one) => one.text);

test("whole sums lose their noughts only in price lists", () => {
  assert.equal(money(2900, "usd"), "$29.00");
  assert.equal(money(2900, "usd", true), "$29");
  assert.equal(money(699, "usd", true), "$6.99");
  assert.equal(money(500, "jpy"), "¥500");
});

test("one of many costs less than a cent, and is told all the same", () => {
  assert.equal(unitPrice(699, 500, "usd"), "$0.014");
  assert.equal(micros(40_000), "$0.04");
});

test("a plan as usual needs no notice", () => assert.deepEqual(noticesOf(books(subscription())), []));

test("late payment, debt and dispute are bad news; a debt says more than a dispute", () => {
  assert.deepEqual(noticesOf(books(subscription({ status: "past_due" }))).map((one) => one.bad), [true]);
  assert.match(texts(books(null, { debt: 4, needsReview: true }))[0]!, /^4 credits are owed/);
  assert.match(texts(books(null, { needsReview: true }))[0]!, /disputed/);
});

test("an ending, a trial and a studio without payments are said in words", () => {
  assert.match(texts(books(subscription({ cancelAtPeriodEnd: true })))[0]!, /^PRO ends on 15 June\. .*taken up again\.$/);
  assert.match(texts(books(subscription({ status: "trialing", trialEnd: at })))[0]!, /^PRO is free until 15 June\. Then it costs \$29\.00 a month/);
  assert.match(texts(books(null, { canPay: false }))[0]!, /not set up/);
});

test("what comes next is the end of the trial, of the plan, or a payment", () => {
  assert.equal(nextOf(subscription({ status: "trialing", trialEnd: at - 7 * DAY }), plan("pro", 2900))![1].split(",")[0], `8 June ${new Date().getFullYear()}`);
  assert.equal(nextOf(subscription({ cancelAtPeriodEnd: true }), plan("pro", 2900))![0], "Ends");
  assert.match(nextOf(subscription(), plan("pro", 2900))![1], /\$29\.00$/);
});

test("offered first is the next dearer plan, and nothing while one ends", () => {
  assert.equal(mainOf(books(null)), "pro");
  assert.equal(mainOf(books(subscription())), "max");
  assert.equal(mainOf(books(subscription({ cancelAtPeriodEnd: true }))), undefined);
});

test("what the operator says of a plan is not said twice", () => {
  assert.deepEqual(linesOf(plan("pro", 1, { credits: 500, features: ["500 credits a month", "100 GB", "API"] })), ["500 credits a month", "100 GB", "API"]);
  assert.deepEqual(linesOf(plan("pro", 1, { credits: 500, features: ["API"] })), ["500 credits a month", "1 B of storage", "API"]);
});

test("a change goes only to what the same service sells", () => {
  assert.equal(canChangeTo(plan("pro", 1, { stripePriceId: "p" }), subscription()), true);
  assert.equal(canChangeTo(plan("pro", 1, { stripePriceId: "p" }), subscription({ processor: "polar" })), false);
});
