/* SPDX-License-Identifier: Apache-2.0 */
/* Everything the tool says. Plain, short, British; what happened, what it means for money, what to
   do next. Nothing shown to a person is written anywhere else in src/, but in the words.ts of a page
   that arrives later. */
import { counted, left, number, ordinal, size, took } from "./format";

export const credits = (count: number) => counted(count, "credit", "credits");
export const pictures = (count: number) => counted(count, "picture", "pictures");
const made = (film: boolean, count: number) => (film ? counted(count, "film", "films") : pictures(count));
const returned = (count: number) =>
  count > 0 ? `Your ${count === 1 ? "credit is" : `${number(count)} credits are`} back.` : "Nothing was charged.";
const back = (count: number) => (count === 1 ? "credit is" : "credits are");

export const words = {
  product: "Atelier",
  skip: "Skip to content",
  retry: "Retry",
  cancel: "Cancel",
  close: "Close",
  reset: "reset",
  allOfIt: "All of it",
  less: "Less of it",
  title: (page: string, running: number) =>
    running > 0 ? `(${running}) Developing, Atelier` : `${page}, Atelier`,

  places: { generate: "Generate", library: "Library", billing: "Billing", settings: "Settings", you: "You", main: "Main", admin: "Admin" },
  pages: { signIn: "Sign in", signUp: "Create an account", generate: "Generate", library: "Library", work: "Work", billing: "Billing", storage: "Storage", settings: "Settings", admin: "Admin" },

  offline: (at: string) => `Offline since ${at}. You see what was there then.`,
  unreachable: "The server does not answer. Trying again by itself.",
  backAgain: "Back.",
  updated: "Atelier was updated. Reloading.",
  updatedBusy: "Atelier was updated. It reloads when you are done here.",
  broken: "This part could not be shown.",
  missingPage: "There is nothing at this address.",

  account: {
    email: "E-mail", password: "Password", name: "Name",
    signIn: "Sign in", signUp: "Create account", signOut: "Sign out",
    newHere: "New here?", createOne: "Create an account",
    haveOne: "Have an account already?", signInInstead: "Sign in instead",
    passwordHelp: "At least 8 characters. A sentence is good.",
    nameHelp: "As you want to be greeted. May stay empty.",
    accept: "By continuing you accept the", terms: "terms", and: "and the", privacy: "privacy notice",
    emailMissing: "Write your e-mail address.", emailWrong: "This is not an e-mail address.",
    passwordMissing: "Write your password.", passwordShort: "Use at least 8 characters.",
    noAnswer: "The server did not answer. What you wrote is still here. Try again.",
    stillIn: "The server did not answer, and you are still signed in. Sign out again in a moment.",
    showPassword: "Show", hidePassword: "Hide",
  },

  meters: {
    developing: (running: number, line: number) =>
      [running > 0 ? `${running} developing` : "", line > 0 ? `${line} in line` : ""].filter(Boolean).join(", "),
    atRest: "Nothing is developing",
    credits: "Credits", storage: "Storage",
    creditWord: (count: number) => counted(count, "credit", "credits").replace(/^\S+ /, ""),
    held: (count: number) => `${number(count)} held`, low: "low",
    creditsText: (free: number, held: number) => `${credits(free)} left` + (held > 0 ? `, ${number(held)} held` : ""),
    ofRoom: (total: number) => `of ${size(total)}`,
    storageText: (used: number, total: number) => `${size(used)} of ${size(total)} used`,
    makeRoom: "Make room", full: "Full: nothing is deleted, new works wait",
  },

  composer: {
    label: "New work", kind: "What to make", picture: "Picture", film: "Film",
    prompt: "Prompt", promptHint: "Describe a picture", filmHint: "Describe a film",
    leaveOut: "Leave out", leaveOutHint: "What must not be in it", ideas: "Ideas",
    counter: (length: number, limit: number) => `${number(length)} / ${number(limit)}`,
    model: "Model", each: credits, housePick: "House pick", allModels: (count: number) => `All ${count} models`,
    resting: (at: string) => `Resting, back about ${at}`,
    findModel: "Find a model", sort: "Sort by", sorts: { listed: "As listed", price: "Price", speed: "Speed" },
    shape: "Shape", many: "How many", duration: "Length", resolution: "Resolution",
    seconds: (value: number) => `${value} s`,
    quality: "Quality", camera: "Camera", cameraNames: { moves: "Moves", still: "Stands still" },
    beyond: (tier: string, plans: string) => `${tier} comes with ${plans}.`,
    steps: "Steps", guidance: "Guidance",
    seed: "Seed", seedFree: "New each time", seedLock: "Lock", seedFreeAct: "Unlock", seedField: "Seed number",
    resetAll: "Reset all", settings: "Settings",
    buyCredits: "Buy credits",
    generate: "Generate", makeFewer: (count: number) => `Make ${pictures(count)}`,
    sum: (count: number, price: number, film: boolean) => `${made(film, count)} × ${credits(price)}`,
    change: (before: number, after: number) => `${number(before)} → ${number(after)}`,
    short: (missing: number) => `${credits(missing)} short`,
    shortHelp: (count: number, price: number, film: boolean) =>
      count > 0 ? `Enough for ${made(film, count)}, at ${credits(count * price)}.`
        : "Choose a cheaper model, or ask whoever runs this server for credits.",
    shortBuy: "Buy credits, or choose a cheaper model. Your prompt is kept.",
    noPrompt: "Write what you want to see.", tooShort: "Write at least 3 characters.",
    tooLong: (over: number) => `${counted(over, "character", "characters")} too long. Shorten the prompt.`,
    noModels: "There is no model here yet. Whoever runs this server has to connect one.",
    offline: "Offline. It can be sent when you are back; your text is kept.",
  },

  start: {
    label: "Start from", title: "Choose a picture to start from", choose: "Choose a picture", other: "Another", remove: "Remove",
    strength: "Strength", needs: "This model needs one.", more: "Show more", act: "Start from it",
    needed: (model: string) => `${model} needs a picture to start from. Choose one; nothing was charged.`,
    cannot: (model: string) => `${model} does not start from a picture. Yours is kept for a model that does.`,
    gone: "This picture was deleted. Choose another.", coming: "Coming in:",
    none: "There is no picture in your library yet. Make one first, and start from it then.",
  },

  stream: {
    label: "Results", title: "Today", all: "All", running: "Running", failed: "Failed", show: "Show",
    empty: "Nothing here yet. Describe what you want to see, and it develops here.",
    emptyAct: "Write a prompt",
    emptyRunning: "Nothing is developing.", emptyFailed: "Nothing has failed.",
    above: (count: number) => `${number(count)} new above`,
    inLine: (place?: number) => (place === undefined ? "In line" : `${ordinal(place)} in line`),
    begins: (seconds: number) => `begins in about ${left(seconds)}`,
    developing: "Developing", someDone: (done: number, all: number) => `Developing, ${done} of ${all} done`,
    saving: "Saving", about: (seconds: number) => `about ${left(seconds)} left`,
    usually: (seconds: number) => `usually ${left(seconds)}`, longer: "longer than usual",
    held: (count: number) => `${credits(count)} held`,
    done: (seconds?: number) => (seconds === undefined ? "Done" : `Done in ${took(seconds)}`),
    partly: (done: number, all: number, returned: number) =>
      `${done} of ${all} were made. ${number(returned)} ${back(returned)} back.`,
    notMade: "Not made", cancelled: "Cancelled",
    returned,
    kept: (count: number, film: boolean) => `${made(film, count)} kept.`,
    noReason: "The model stopped answering.",
    comeBack: (part: number, all: number) => `${number(part)} of ${credits(all)} come back`,
    cancel: "Cancel", again: "Try again", useAgain: "Use again", receipt: "Receipt",
    frame: (film: boolean, place: number) => (film ? "Film" : `Picture ${place}`),
    next: "next", waiting: "in line", gone: "Deleted",
    progress: (percent: number) => `${percent} percent`,
    open: (prompt: string, place: number, all: number) => (all > 1 ? `${prompt}, ${place} of ${all}` : prompt),
  },

  toast: { label: "News", look: "Look", again: "See it", plan: (name: string) => `Your plan is now ${name}.`, billing: "Billing" },
  low: {
    label: "Credits are low", text: (count: number) => `Credits are low: ${number(count)} left.`, buy: "Buy credits",
    ask: "Whoever runs this studio can give you more.", close: "Close until next time",
  },
  rates: {
    used: (used: number, limit: number, period: "minute" | "hour" | "day", again?: string) =>
      `${number(used)} of ${number(limit)} ${period === "day" ? "today" : `this ${period}`}` + (again === undefined ? "" : `, again at ${again}`),
  },

  receipt: {
    title: "Receipt", quoted: "Quoted", charged: (at: string) => `Charged at ${at}`, held: "Held",
    returned: "Returned", returnedFor: (missing: number, all: number) => `Returned, ${missing} of ${all} not made`,
    cost: "Cost",
  },

  library: {
    kind: "Kind", everything: "Everything", onlyPictures: "Pictures", onlyFilms: "Films",
    works: (count: number) => counted(count, "work", "works"), moreThan: (count: number) => `more than ${number(count)}`,
    manyWorks: (count: number) => `More than ${number(count)} works`,
    empty: "Nothing here yet. What you make lands here by itself. Pictures and films of your own can be dropped or pasted anywhere on this page.", emptyKind: "Nothing of this kind yet.",
    emptyAct: "Generate", grid: "Works by day",
    useAgain: "Use again", download: "Download", remove: "Delete", look: "Look",
    notLoaded: "Not loaded.", film: (length: string) => `Film, ${length}`, end: "That is all of it.",
  },

  detail: {
    label: "Selected work", previous: "Previous", next: "Next", close: "Close", bigger: "Show more", smaller: "Show less",
    place: (index: number, count: string) => `${number(index)} of ${count}`,
    openFull: "Look at it large", back: "Library",
    made: "Made", model: "Model", size: "Size", seed: "Seed", settings: "Settings", leftOut: "Left out", length: "Length",
    measures: (width: number, height: number, bytes: number) => `${width} × ${height}, ${size(bytes)}`,
    steps: (count: number) => counted(count, "step", "steps"), guidance: (value: number) => `guidance ${value}`,
    in: (seconds: number) => `in ${took(seconds)}`,
    missing: "This work does not exist, or is not yours to see.", untitled: "Untitled",
  },

  remove: {
    title: (film: boolean) => (film ? "Delete this film?" : "Delete this picture?"),
    text: (bytes: number) => `It is gone for good; there is no bin. This frees ${size(bytes)}.`,
    act: "Delete for good", keep: "Keep it", said: (bytes: number) => `Deleted. ${size(bytes)} freed.`,
    failed: "It could not be deleted. It is still here. Try again.",
    offline: "Offline. Nothing was deleted. Try again when you are back.",
  },

  look: {
    label: "Large view", close: "Close", previous: "Previous", next: "Next", info: "Info", wall: "Wall", actual: "1:1", fit: "Fit",
    keys: "B wall, Z actual size, I info, Esc closes",
  },

  settings: {
    account: "Account", name: "Name", email: "E-mail", plan: "Plan", theme: "Theme", contrast: "Contrast",
    system: "System", dark: "Dark", light: "Light", more: "More",
    keys: "Single-letter keys", keysHelp: "Such as G then L for the library. Keys with Ctrl or Cmd always work.", on: "On", off: "Off",
    credits: "Credits", creditsLeft: (count: number) => `${number(count)} left.`, storageTaken: (used: number, room: number) => (room > 0 ? `${size(used)} of ${size(room)} taken.` : `${size(used)} taken.`), storageAct: "Manage",
    look: "How it looks", session: "This browser",
    signOutHelp: "Signs this browser out. What is developing goes on without it.",
    data: "Your data", dataHelp: "One file (JSON) of everything that is kept about you. Pictures and films are in it by their addresses.",
    dataAct: "Download everything about me", dataGoing: (rows: number) => `${counted(rows, "row", "rows")} so far`,
    dataSaved: (rows: number) => `${counted(rows, "row is", "rows are")} in the file.`, dataFailed: "It could not be put together. Nothing was saved. Try again.",
    dataOffline: "Offline. Try again when you are back.",
    end: "Leaving", endHelp: "Removes the account, its works, files and credits for good. A certificate lists what was removed.",
    endAct: "Delete account", endTitle: "Delete your account?", endKeep: "Keep it", endSure: "Delete for good",
    endText: (email: string, room: string, left: number) =>
      `${email}, ${room} of works and ${credits(left)} are gone for good; there is no bin. The certificate that follows lists each file; keep its address.`,
  },

  left: {
    going: "Deleting your account", gone: "Your account is deleted", download: "Download the certificate",
    certificate: (until: string) => `Every file goes in the next moments; the certificate lists each one as it goes. Its address is good until ${until}.`,
  },

  keys: {
    title: "Keys", show: "Keys",
    groups: [
      ["Everywhere", [["Mod K", "Go to or search"], ["?", "This list"], ["/", "Prompt or search"], ["G then G", "Generate"], ["G then L", "Library"], ["G then B", "Billing"], ["Esc", "Close one level"]]],
      ["Composer", [["Mod Enter", "Generate"], ["Mod Shift Enter", "Generate four"], ["Alt Up, Alt Down", "Earlier prompts"]]],
      ["Library", [["Arrows, Home, End", "Move"], ["Enter", "Open"], ["Space", "Look at it large"], ["X", "Pick"], ["Shift arrows", "Pick a range"], ["Mod A", "Pick all"], ["F", "Favourite"], ["R", "Use again"], ["D", "Download"], ["Delete", "Delete, asks first"]]],
      ["Large view", [["Left, Right", "Previous, next"], ["B", "Wall"], ["Z", "Actual size"], ["+, −", "Closer, further"], ["I", "Info"], ["Space, Esc", "Close"]]],
    ] as [string, [string, string][]][],
  },
  palette: { title: "Go to or search", hint: "Search or go to", none: "Nothing found.", places: "Places", works: "Works", acts: "Acts" },

  spoken: {
    sent: (held: number, remaining: number) => `Sent. ${credits(held)} held, ${number(remaining)} left.`,
    nextInLine: "Next in line.",
    someDone: (done: number, all: number) => `${done} of ${all} done.`,
    percent: (percent: number) => `${percent} percent.`,
    done: (count: number, film: boolean, cost: number) => `${made(film, count)} done. ${credits(cost)}.`,
    notMade: (reason: string, amount: number) => `Not made: ${reason} ${returned(amount)}`,
    cancelled: (amount: number) => `Cancelled. ${returned(amount)}`,
  },

  fault: {
    server: "We could not do that, and it is our fault. Your text is still here. Try again.",
    rate: (seconds: number) => `You can start the next one in ${left(seconds)}.`,
    full: (quota: number) => `Your ${size(quota)} is full. Nothing is deleted. Make room, then press Generate again.`,
  },

  ideas: {
    image: [
      "A lighthouse on a basalt cliff before a storm, seen from the water. Flat gouache, one warm lamp",
      "Breakfast citrus from above on pink linen, hard morning light",
      "Four koi in a dark pond, seen from straight above, ink and wash",
      "An empty piazza at five o’clock, one long arcade, shadows longer than the things that cast them",
      "Forest in morning fog, tall birches, the path just lost from sight",
      "Three fields of colour, orange over crimson over black, soft edges",
    ],
    video: [
      "The boat drifts to the right, moonlight breaks on the water",
      "Slow waves of amber and slate, like a tide seen from above",
      "Snow falls through the light of one street lamp",
      "Ink opens in clear water, black into blue",
      "Clouds cross a long field, their shadows a moment later",
      "A paper lantern turns in the wind, red and gold",
    ],
  },
};
