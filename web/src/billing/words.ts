/* SPDX-License-Identifier: Apache-2.0 */
/* What only the billing page and the receipt say; arrives with them. */
import { counted, number } from "../format";
import { credits, pictures } from "../words";

export const words = {
  page: "Billing",
  sections: { ledger: "Ledger", plans: "Plans", invoices: "Invoices", packages: "Buy credits", on: "On this page" },

  credits: {
    title: "Credits", available: "available", buy: "Buy credits",
    part: (count: number, until?: string) => (until === undefined ? `${number(count)} stay` : `${number(count)} until ${until}`),
    first: (text: string) => `${text}, spent first`,
    rest: (count: number) => `${number(count)} more`,
    none: "Nothing is left to spend.",
    held: (count: number) => `${number(count)} held`,
    heldFor: (jobs: number) =>
      jobs > 0 ? `for ${counted(jobs, "work", "works")} under way, already taken off` : "for work under way, already taken off",
  },

  plan: {
    title: "Plan", free: "Free", month: "a month", year: "a year",
    gets: "In it", next: "Next payment", ends: "Ends", trial: "Trial until", since: "Began", room: (size: string) => `${size} of storage`,
    credits: (count: number) => `${credits(count)} a month`, creditsOnce: (count: number) => `${credits(count)} to begin with`,
    on: (day: string, sum: string) => `${day}, ${sum}`,
    portal: "Card and invoices", change: "Change plan", choose: "Choose a plan",
    yours: "yours", asked: "On request",
    pick: (name: string) => `Choose ${name}`, changeTo: (name: string) => `Change to ${name}`,
    goTo: (name: string, day: string) => `Go to ${name} on ${day}`, goToSoon: (name: string) => `Go to ${name}`,
    cancel: "Cancel plan", keep: (name: string) => `Keep ${name}`,
    from: (day: string) => `Yours from ${day}`,
    trialDays: (days: number) => `${counted(days, "day", "days")} free first`,
    paid: "Paid", monthly: "Monthly", yearly: "Yearly",
    beyond: (size: string) => `${size} are beyond this plan's room. Nothing is deleted: they can be seen and downloaded; new works wait for room.`,
  },

  counts: {
    title: "This period", pictures: "Pictures", films: "Films", of: (used: number, limit: number) => `${number(used)} of ${number(limit)}`,
    anew: (day: string) => `The count begins anew on ${day}.`,
  },

  notice: {
    done: "The payment service has let you go on. What you bought appears here as soon as it tells us, usually within seconds.",
    left: "Nothing was bought, and nothing was charged.",
    noPayments: "Payments are not set up in this studio, so nothing can be bought here. Whoever runs it can give you credits and a plan.",
    pastDue: (plan: string) => `The last payment for ${plan} failed. The plan stays on while the payment service tries again. Use another card.`,
    incomplete: "The first payment has not come through yet. The plan begins when it does.",
    unpaid: (plan: string) => `${plan} was not paid for, and is off. Use another card, and it comes back.`,
    paused: (plan: string) => `${plan} is paused.`,
    ending: (plan: string, day: string) => `${plan} ends on ${day}. Until then nothing changes. It can be taken up again.`,
    over: (plan: string, day: string) => `${plan} ended on ${day}. What you made is still yours.`,
    trial: (plan: string, day: string, sum: string) => `${plan} is free until ${day}. Then it costs ${sum}, unless you cancel before.`,
    debt: (count: number) => `${credits(count)} are owed: a payment went back after they were spent. Whoever runs this studio looks into it.`,
    review: "A payment of yours is disputed. Whoever runs this studio looks into it.",
  },

  packages: {
    title: "Buy credits", each: (sum: string) => `${sum} a credit`, buy: (sum: string) => `Buy for ${sum}`,
    stay: "Bought credits stay until they are spent.", needPlan: "Credits are sold beside a plan. Choose a plan first.",
  },

  spent: {
    title: "Spent, last 30 days", sum: (count: number, daily: string) => `${credits(count)}, ${daily} a day`, today: "Today",
    none: "Nothing was spent.", most: (count: number, day: string) => `most on ${day}: ${number(count)}`,
  },
  storage: {
    title: "Storage", of: (room: string, percent: number) => `of ${room} used, ${percent > 0 && percent < 1 ? "under 1" : Math.round(percent)} %`,
    works: "See what takes room",
  },

  ledger: {
    title: "Ledger", show: "Show", all: "All", when: "When", what: "What happened", amount: "Credits", balance: "Balance",
    earlier: "Earlier", receipt: "receipt", held: "Held",
    empty: "No entries yet. What you get and spend is written here.", emptyKind: "No entries of this kind.",
    receiptOf: (what: string) => `Receipt: ${what}`,
  },
  types: {
    USAGE: "Spent", REFUND: "Returned", PURCHASE: "Bought", SUBSCRIPTION_GRANT: "Plan", BONUS: "Bonus", ADJUSTMENT: "Adjusted", EXPIRY: "Ended",
  },

  invoices: {
    title: "Invoices", number: "Number", date: "Date", sum: "Sum", state: "State", paid: "Paid", open: "Open", receipt: "Receipt", none: "No invoices yet.",
    pay: "Pay it", receiptOf: (name: string) => `Receipt of ${name}`, unnamed: "Invoice", newTab: "opens the payment service in a new tab",
  },

  ask: {
    changeTitle: (name: string) => `Change to ${name}?`,
    changeText: (name: string, sum: string, gets: string) =>
      `${name} begins at once: ${gets}. It costs ${sum}. What is left of this period's payment counts; the difference is paid at once.`,
    next: (sum: string, day?: string) => (day === undefined ? `That invoice: ${sum}.` : `That invoice: ${sum}, on ${day}.`),
    nextAsked: "Asking the payment service for the exact sum…", nextUnknown: "The payment service does not say the exact sum now.",
    change: (name: string) => `Change to ${name}`,
    cancelTitle: (name: string) => `Cancel ${name}?`,
    cancelText: (name: string, day: string, free: string) =>
      `${name} stays on until ${day}, which is paid. Then you have ${free}. Nothing you made is deleted, and credits you bought stay. Until then you can take it up again.`,
    cancel: (day: string) => `Cancel for ${day}`, keep: (name: string) => `Keep ${name}`, stay: "Stay as it is",
    endOfPeriod: "the end of the period",
  },
  what: (film: boolean, count: number) => (film ? "a film" : pictures(count)),
  receipt: {
    title: "Receipt", quoted: (count: number, each: number) => (count > 1 ? `Quoted, ${number(count)} × ${number(each)}` : "Quoted"),
    held: "Held", taken: "Taken when it was asked for", cost: "Cost", so: "Cost so far, the rest is held",
    back: "Returned", backFor: (missing: number, all: number) => `Returned, ${number(missing)} of ${number(all)} not made`,
    balance: (count: number) => `${number(count)} left after it`,
    steps: "What happened", askedFor: (what: string, model: string) => `Asked for ${what} with ${model}.`,
    attempt: {
      asked: (model: string) => `${model} was asked.`,
      running: (model: string) => `${model} is at work.`,
      done: (model: string, time: string) => `${model} delivered${time}.`,
      failed: (model: string, time: string) => `${model} did not deliver${time}.`,
      canceled: (model: string, time: string) => `${model} was stopped${time}.`,
      orphaned: (model: string) => `${model} did not answer any more, and was left.`,
    },
    after: (time: string) => ` after ${time}`,
    waits: "It waits in line.", begun: "Work began.",
    completed: (made: number, all: number) => (made < all ? `${number(made)} of ${number(all)} were made.` : "All of it was made."),
    failed: "Nothing was made.", canceled: (made: number) => (made > 0 ? `Cancelled; ${number(made)} were made before.` : "Cancelled before anything was made."),
    inside: "For administrators", provider: "Provider", providerJob: "Its number", ours: "Cost to us", cause: "Cause",
    told: "as it said", listed: "by its price list",
    number: "Number", model: "Model", copy: "Copy number", copied: "Copied",
    missing: "There is no receipt for this work.",
  },
  said: {
    changed: (name: string) => `Your plan is now ${name}.`,
    asked: "Asked for. The plan changes here as soon as the payment service confirms it.",
    cancelled: "Cancelled for the end of the period.", kept: "Taken up again.",
    offline: "Offline. Nothing was asked for. Try again when you are back.",
    noAddress: "The payment service gave no address to go to. Try again in a moment.",
  },
};
