/* SPDX-License-Identifier: Apache-2.0 */
/* Lays works out in justified rows, by day: arithmetic only, nothing is measured from the document. */
import { dayKey } from "../format";
import type { Asset } from "../types";

export const GAP = 6;
const SWAY = 0.2;

export interface Tile {
  asset: Asset;
  index: number;
  left: number;
  width: number;
}

export interface Row {
  tiles: Tile[];
  top: number;
  height: number;
}

export interface Day {
  key: string;
  at: number;
  count: number;
  rows: Row[];
  height: number;
}

const ratioOf = (asset: Asset) => Math.min(4, Math.max(0.25, asset.width / asset.height || 1));

/* The row height at which these ratios fill the width exactly. */
const filling = (ratios: number, count: number, width: number) => (width - GAP * (count - 1)) / ratios;

function rowOf(assets: Asset[], first: number, top: number, height: number, width: number, full: boolean): Row {
  let left = 0;
  const tiles = assets.map((asset, place) => {
    const last = full && place === assets.length - 1;
    const wide = last ? width - left : Math.min(width, Math.round(ratioOf(asset) * height));
    const tile = { asset, index: first + place, left, width: wide };
    left += wide + GAP;
    return tile;
  });
  return { tiles, top, height: Math.round(height) };
}

function rowsOf(assets: Asset[], first: number, width: number, target: number): Row[] {
  const rows: Row[] = [];
  let start = 0;
  let ratios = 0;
  let top = 0;
  const close = (end: number, height: number, full: boolean) => {
    const row = rowOf(assets.slice(start, end), first + start, top, height, width, full);
    rows.push(row);
    top += row.height + GAP;
    start = end;
    ratios = 0;
  };
  assets.forEach((asset, place) => {
    const ratio = ratioOf(asset);
    const before = place - start;
    const without = before > 0 ? filling(ratios, before, width) : Infinity;
    const along = filling(ratios + ratio, before + 1, width);
    /* Whichever of the two heights is nearer to the target ends the row. */
    if (along < target * (1 - SWAY) && without - target < target - along) close(place, without, true);
    ratios += ratio;
    const height = filling(ratios, place - start + 1, width);
    if (height <= target * (1 + SWAY / 4)) close(place + 1, height, true);
  });
  if (start < assets.length) close(assets.length, Math.min(target, filling(ratios, assets.length - start, width)), false);
  return rows;
}

/* Works come newest first; days keep that order. */
export function layout(assets: Asset[], width: number, target: number): Day[] {
  const days: Day[] = [];
  let start = 0;
  while (start < assets.length) {
    const key = dayKey(assets[start]!.createdAt);
    let end = start + 1;
    while (end < assets.length && dayKey(assets[end]!.createdAt) === key) end++;
    const rows = rowsOf(assets.slice(start, end), start, width, target);
    const last = rows[rows.length - 1]!;
    days.push({ key, at: assets[start]!.createdAt, count: end - start, rows, height: last.top + last.height });
    start = end;
  }
  return days;
}

export function targetFor(viewport: number): number {
  if (viewport < 768) return 132;
  if (viewport < 1024) return 160;
  if (viewport < 1280) return 150;
  if (viewport < 1800) return 186;
  return 220;
}

/* The work an arrow key leads to: along the order, or to the nearest in the row above or below. */
export function neighbour(days: Day[], index: number, key: string): number | undefined {
  const rows = days.flatMap((day) => day.rows);
  const at = rows.findIndex((row) => row.tiles.some((tile) => tile.index === index));
  const here = rows[at]?.tiles.find((tile) => tile.index === index);
  if (!here) return undefined;
  const count = rows.reduce((sum, row) => sum + row.tiles.length, 0);
  if (key === "ArrowLeft") return Math.max(0, index - 1);
  if (key === "ArrowRight") return Math.min(count - 1, index + 1);
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const other = rows[at + (key === "ArrowUp" ? -1 : 1)];
  if (!other) return index;
  const middle = here.left + here.width / 2;
  const distance = (tile: Tile) => Math.abs(tile.left + tile.width / 2 - middle);
  return other.tiles.reduce((best, tile) => (distance(tile) < distance(best) ? tile : best)).index;
}
