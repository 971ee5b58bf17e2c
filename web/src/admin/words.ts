/* SPDX-License-Identifier: Apache-2.0 */
/* What the tool says to those who run it. Apart from words.ts, because only they fetch it. */
import { counted, left, number, took } from "../format";
import { credits } from "../words";

const people = (count: number) => counted(count, "person", "people");
const someone = (who: string) => who || "somebody without an address";
const stateNames: Record<string, string> = {
  pending: "In line", processing: "Developing", uploading: "Saving", completed: "Done", failed: "Not made", canceled: "Cancelled",
};
const actions: Record<string, string> = {
  "credits:adjust": "Adjusted credits", "credits:addCredits": "Gave credits", "credits:deductCredits": "Took credits",
  "credits:refundCredits": "Gave back", "admin:cancelJob": "Stopped a job", "admin:closePaymentReview": "Looked into a payment",
};
const crons: Record<string, string> = {
  cleanupFailedGenerations: "Clear failed jobs away", cleanupExpiredCredits: "Expire credits",
  processMonthlyCredits: "Credits of the month", generateUsageReports: "Sum up the week",
};

export const adminWords = {
  title: "Administration",
  places: {
    overview: "Overview", users: "People", jobs: "Jobs", providers: "Providers", schedule: "Schedule", payments: "Payments",
    usage: "Weeks", audit: "Audit",
  },
  more: "Show more", none: "Nothing here.", never: "never", nobody: "the program", unknown: "not told",
  back: (place: string) => `Back to ${place.toLowerCase()}`,
  stay: "Leave it as it is",

  overview: {
    inLine: "in line", developing: "developing", waits: "longest wait", nobodyWaits: "nobody waits",
    day: "In the last 24 hours", done: "done", notMade: "not made", cancelled: "cancelled",
    capped: (count: number) => (count >= 1000 ? "1,000+" : number(count)),
    wait: (seconds: number) => left(Math.max(0, seconds)),
    needs: "Needs somebody", allWell: "Nothing needs you: all providers answer and no payment is in question.",
    resting: (provider: string, until: string) => `${provider} kept failing and is left alone until ${until}.`,
    reviews: (count: number) => `${counted(count, "payment is", "payments are")} in question.`,
    latest: "Latest that were not made", noFailures: "Everything that was asked for was made.",
  },

  users: {
    search: "Find by e-mail or name", caption: "People by e-mail address", email: "E-mail", name: "Name", plan: "Plan",
    role: "Role", admin: "runs this studio", credits: "Credits", since: "Since",
    none: (search: string) => `Nobody with “${search}” in their e-mail address or name.`,
    looking: "Looking further", further: "Look further",
  },

  user: {
    missing: "There is nobody at this address.",
    balance: "Credits", held: (count: number) => `${number(count)} held`, owes: (count: number) => `owes ${number(count)}`,
    used: "Used in all", plan: "Plan", payment: "Payment", customer: "Customer", storage: "Storage", works: "Works", since: "Since",
    role: "Role", roles: { user: "user", admin: "administrator" } as Record<string, string>, id: "Number",
    worksText: (pictures: number, films: number) => `${counted(pictures, "picture", "pictures")}, ${counted(films, "film", "films")}`,
    jobs: "Their jobs", history: "History", historyEmpty: "No entries yet.",
    when: "When", what: "What", amount: "Credits", after: "Balance",
  },

  adjust: {
    title: "Adjust credits", give: "Give", take: "Take", direction: "Give or take",
    amount: "How many", reason: "Reason", reasonHelp: "They read it in their history, and it stays in the audit log.",
    preview: "Look at it first",
    amountMissing: "Write how many: a whole number above zero.", amountTooLarge: "One adjustment is at most 1,000,000,000.",
    reasonMissing: "Write why. It stands in their history.", reasonTooLong: "At most 200 characters.",
    ask: (gives: boolean, amount: number, who: string) =>
      gives ? `Give ${someone(who)} ${credits(amount)}?` : `Take ${credits(amount)} from ${someone(who)}?`,
    becomes: (before: number, after: number) => `Their balance goes from ${number(before)} to ${number(after)}.`,
    paysDebt: (amount: number) => `${credits(amount)} pay what they owe.`,
    owed: (amount: number) => `${credits(amount)} are not there: they are owed, and paid by the next that come.`,
    act: (gives: boolean, amount: number) => (gives ? `Give ${credits(amount)}` : `Take ${credits(amount)}`),
    said: (gives: boolean, amount: number, balance: number) =>
      `${credits(amount)} ${gives ? "given" : "taken"}. They have ${number(balance)} now.`,
    undo: "Undo", undone: (reason: string) => `Taken back: ${reason}`, undoneSaid: (balance: number) => `Undone. They have ${number(balance)} now.`,
  },

  jobs: {
    show: "Show", open: "Under way", completed: "Done", failed: "Not made", canceled: "Cancelled", all: "All",
    caption: "Jobs, newest first", prompt: "Prompt", whose: "Whose", state: "State", model: "Model", credits: "Credits", cost: "Our cost", asked: "Asked",
    empty: { open: "Nothing is under way.", completed: "Nothing was made yet.", failed: "Nothing has failed.", canceled: "Nothing was cancelled.", all: "They have asked for nothing yet." },
    of: (who: string) => `Only ${someone(who)}`, ofAll: "Everybody",
    stateOf: (status: string) => stateNames[status] ?? status,
    percent: (part: number) => `${Math.round(part * 100)} %`,
  },

  job: {
    missing: "There is no such job. Failed ones are cleared away after a week.",
    whose: "Whose", model: "Model", provider: "Provider", providerJob: "Their number", asked: "Asked", took: "Took", waited: "Waited",
    made: "Made", madeOf: (made: number, all: number) => `${number(made)} of ${number(all)}`,
    held: "Held", charged: "Charged", returned: "Returned", cost: "Our cost", told: "Told", cause: "Cause", number: "Number",
    attempts: "Attempts", attempt: "Nr.", state: "State", time: "Time", noAttempts: "No outside provider was asked.",
    states: { asked: "asked", running: "running", done: "done", failed: "failed", canceled: "stopped", orphaned: "lost in a crash" } as Record<string, string>,
    movements: "Credits", estimate: "by its price list",
    stop: "Stop this job", ask: (who: string) => `Stop this job of ${someone(who)}?`,
    text: (held: number) => `What is finished they keep and pay; of the ${credits(held)} held the rest goes back. It stands in the audit log.`,
    act: "Stop it", said: (back: number) => `Stopped. ${credits(back)} went back.`,
    seconds: took,
  },

  providers: {
    caption: "Providers and models", provider: "Provider", model: "Model", state: "State", done: "Done", failed: "Failed", rate: "Failure rate",
    time: "Average", cost: "Cost", orphaned: "Lost", orphanedHelp: "Lost: asked for, and then this program ended. They may have run without us; their cost is ours.",
    answers: "answers", resting: (until: string) => `resting until ${until}`, none: "No provider was asked yet.",
    percent: (part: number) => `${(part * 100).toLocaleString("en-GB", { maximumFractionDigits: 1 })} %`,
  },

  schedule: {
    caption: "What the studio does by itself", name: "What", last: "Last run", count: "Did", next: "Next run", nameOf: (name: string) => crons[name] ?? name,
    notYet: "not yet",
  },

  payments: {
    caption: "Payments in question", who: "Who", customer: "Customer", debt: "Owes", none: "No payment is in question.",
    done: "Looked into", ask: (who: string) => `Is the payment of ${someone(who)} settled?`,
    text: (debt: number) =>
      debt > 0 ? `They still owe ${credits(debt)}; that stays. The payment leaves this list.` : "Nothing is owed. The payment leaves this list.",
    act: "It is settled", said: "Taken off the list.",
  },

  usage: {
    caption: "Weeks that are over", week: "Week", people: "People", peopleText: people, asked: "Jobs", done: "Done", failed: "Not made",
    credits: "Credits used", cost: "Our cost", none: "The first week is summed up on Monday.",
  },

  audit: {
    caption: "The last 200 acts", when: "When", who: "Who", what: "What", whom: "To whom", amount: "Credits", why: "Why",
    actionOf: (action: string) => actions[action] ?? action, none: "Nobody has changed anything yet.",
  },
};
