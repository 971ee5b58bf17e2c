/* SPDX-License-Identifier: Apache-2.0 */
/* Figures, sizes, days and times, in the reader's own zone. The language is the page's: English. */
const language = "en-GB";
const numbers = new Intl.NumberFormat(language);
const tenths = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const plurals = new Intl.PluralRules(language);
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const exactClock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const weekday = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
const dated = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });

const monthed = new Intl.DateTimeFormat(language, { month: "short", year: "numeric" });

export const monthName = (at: number) => monthed.format(at);
export const number = (value: number) => numbers.format(value);
export const timeOfDay = (at: number) => clock.format(at);
export const exactTime = (at: number) => exactClock.format(at);

/* "1 picture", "1,204 pictures" */
export function counted(count: number, one: string, many: string): string {
  return `${number(count)} ${plurals.select(count) === "one" ? one : many}`;
}

/* "820 B", "1.9 MB": steps of 1,024, so that a plan of 1 GB reads as 1 GB. */
export function size(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 1024) return `${unit === "B" || value >= 100 ? numbers.format(Math.round(value)) : tenths.format(value)} ${unit}`;
    value /= 1024;
  }
  return `${tenths.format(value)} TB`;
}

/* "6.9 s", "1 min 20 s" */
export function took(seconds: number): string {
  if (seconds < 10) return `${tenths.format(seconds)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/* What is left, in steps a person can trust: to 5 s above 20 s. */
export function left(seconds: number): string {
  const rounded = seconds > 20 ? Math.ceil(seconds / 5) * 5 : Math.max(1, Math.ceil(seconds));
  return took(rounded);
}

/* "0:08" */
export function filmLength(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/* The local calendar day, as a key that sorts. */
export function dayKey(at: number): string {
  const date = new Date(at);
  const pad = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/* "Today", "Yesterday", "Wednesday 18 November", "18 November 2025" */
export function dayName(at: number, now: number): string {
  const key = dayKey(at);
  if (key === dayKey(now)) return "Today";
  if (key === dayKey(now - 86_400_000)) return "Yesterday";
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear ? weekday.format(at).replace(",", "") : dated.format(at);
}

export const moment = (at: number, now: number) => `${dayName(at, now)}, ${timeOfDay(at)}`;

const ordinals = ["Next", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth"];
const endings: Partial<Record<Intl.LDMLPluralRule, string>> = { one: "st", two: "nd", few: "rd" };
const places = new Intl.PluralRules(language, { type: "ordinal" });

/* "Next", "Third", "21st" */
export const ordinal = (place: number) =>
  ordinals[Math.max(0, place - 1)] ?? `${number(place)}${endings[places.select(place)] ?? "th"}`;

/* Cuts at a word where it can; for alternative texts and titles. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const at = text.lastIndexOf(" ", limit - 1);
  return `${text.slice(0, at >= limit / 2 ? at : limit - 1)}…`;
}
