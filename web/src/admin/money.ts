/* SPDX-License-Identifier: Apache-2.0 */
/* Signed credits, and dollars from the millionths in which providers are counted. */
import { number } from "../format";

const dollar = new Intl.NumberFormat("en-GB", { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", minimumFractionDigits: 2, maximumFractionDigits: 4 });

export const dollars = (micros: number) => dollar.format(micros / 1_000_000);
export const signed = (amount: number) => (amount > 0 ? `+${number(amount)}` : number(amount).replace("-", "−"));
