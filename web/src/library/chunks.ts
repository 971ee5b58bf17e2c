/* SPDX-License-Identifier: Apache-2.0 */
/* Which works are asked for together. A work stays in the chunk it was first put into, so that one
   that comes or goes changes no other chunk, and nothing is asked for twice. */
import type { AssetId, Spot } from "../types";

export const CHUNK = 40;

export class Chunks {
  readonly ids: AssetId[][] = [];
  private readonly of = new Map<AssetId, number>();

  /* The chunks that hold spots from..to, made where there are none yet, in the order of the spots. */
  covering(spots: readonly Spot[], from: number, to: number): number[] {
    const found = new Set<number>();
    for (let at = Math.max(0, from); at < Math.min(to, spots.length); at++) {
      found.add(this.of.get(spots[at]!._id) ?? this.make(spots, at));
    }
    return [...found];
  }

  private make(spots: readonly Spot[], from: number): number {
    const ids: AssetId[] = [];
    for (let at = from; at < spots.length && ids.length < CHUNK && !this.of.has(spots[at]!._id); at++) {
      this.of.set(spots[at]!._id, this.ids.length);
      ids.push(spots[at]!._id);
    }
    return this.ids.push(ids) - 1;
  }
}
