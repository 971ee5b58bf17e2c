/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of money and days, as a person reads them. Cents come from the server. */
const language = "en-GB";
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });
const dayOnly = new Intl.DateTimeFormat(language, { day: "numeric", month: "long" });
const shortDay = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });

/* How many cents make one: yen have none. */
const digitsOf = (currency: string) =>
  new Intl.NumberFormat(language, { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;

/* "$29.00"; whole sums of a price list without the noughts: "$29". */
export function money(cents: number, currency: string, short = false): string {
  const digits = digitsOf(currency);
  const value = cents / 10 ** digits;
  const whole = short && Number.isInteger(value);
  return new Intl.NumberFormat(language, {
    style: "currency", currency, currencyDisplay: "narrowSymbol",
    minimumFractionDigits: whole ? 0 : digits, maximumFractionDigits: whole ? 0 : digits,
  }).format(value);
}

/* "0.9 ¢": the price of one of many, too small for whole cents. */
export function unitPrice(cents: number, count: number, currency: string): string {
  return new Intl.NumberFormat(language, {
    style: "currency", currency, currencyDisplay: "narrowSymbol", maximumSignificantDigits: 2,
  }).format(cents / 10 ** digitsOf(currency) / Math.max(1, count));
}

/* Costs of providers come in millionths of a US dollar. */
export const micros = (value: number) =>
  new Intl.NumberFormat(language, { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", maximumFractionDigits: 6 }).format(value / 1e6);

/* "22 December 2026" where it is looked up; in a sentence this year needs no number. */
export const fullDate = (at: number) => day.format(at);
export const dateOf = (at: number) =>
  new Date(at).getFullYear() === new Date().getFullYear() ? dayOnly.format(at) : day.format(at);
export const shortDate = (at: number) => shortDay.format(at);
