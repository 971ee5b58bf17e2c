/* SPDX-License-Identifier: Apache-2.0 */
/* The orders of the library, and the headings under each. */
import { dayKey, dayName } from "../format";
import type { Spot } from "../types";
import { words } from "./words";

export interface Sort {
  by: "date" | "size" | "type";
  up: boolean;
}

const MB = 1024 * 1024;
const bands = [100 * MB, 10 * MB, MB, 0];
const bandOf = (bytes: number) => bands.findIndex((least) => bytes >= least);

export function keyOf(spot: Spot, { by }: Sort): string {
  if (by === "date") return dayKey(spot.at);
  return by === "size" ? String(bandOf(spot.bytes)) : spot.type;
}

export function nameOfSection(spot: Spot, { by }: Sort, now: number): string {
  if (by === "date") return dayName(spot.at, now);
  return by === "size" ? words.bands[bandOf(spot.bytes)]! : words.kinds[spot.type];
}
