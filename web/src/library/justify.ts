/* SPDX-License-Identifier: Apache-2.0 */
/* Lays frames out in justified rows, by section: arithmetic only, nothing is measured from the
   document. Ten thousand take some milliseconds, so it is done anew whenever one comes or goes. */
import type { Spot } from "../types";

export const GAP = 6;
export const HEADING = 48;
const BETWEEN = 12;
const SWAY = 0.2;

export interface Tile {
  index: number;
  left: number;
  width: number;
}

export interface Row {
  /* Within the grid. */
  top: number;
  height: number;
  tiles: Tile[];
  section: number;
  /* Counted from 1, headings with it. */
  order: number;
}

export interface Section {
  key: string;
  /* Unlike the key its own, also where a day comes twice. */
  id: string;
  /* Its first work. */
  first: number;
  count: number;
  top: number;
  height: number;
  rows: { from: number; to: number };
  order: number;
}

export interface Layout {
  sections: Section[];
  rows: Row[];
  /* The row of each work. */
  rowOf: Uint32Array;
  height: number;
  /* All rows that are counted aloud. */
  count: number;
}

type Keyed = Pick<Spot, "ratio">;

const RATIO_MAX = 4;

/* Its frame has another shape than the picture, which is shown whole in it. */
export const isExtreme = ({ ratio }: Keyed) => ratio > RATIO_MAX || (ratio > 0 && ratio < 1 / RATIO_MAX);
const ratioOf = (spot: Keyed) => Math.min(RATIO_MAX, Math.max(1 / RATIO_MAX, spot.ratio || 1));

/* The row height at which these ratios fill the width exactly. */
const filling = (ratios: number, count: number, width: number) => (width - GAP * (count - 1)) / ratios;

function tilesOf(spots: readonly Keyed[], from: number, to: number, height: number, width: number, full: boolean): Tile[] {
  const tiles: Tile[] = [];
  let left = 0;
  for (let index = from; index < to; index++) {
    const last = full && index === to - 1;
    const wide = last ? width - left : Math.min(width, Math.round(ratioOf(spots[index]!) * height));
    tiles.push({ index, left, width: wide });
    left += wide + GAP;
  }
  return tiles;
}

/* Where rows end and how high they are, for the works from..to. */
function* breaks(spots: readonly Keyed[], from: number, to: number, width: number, target: number) {
  let start = from;
  let ratios = 0;
  for (let index = from; index < to; index++) {
    const ratio = ratioOf(spots[index]!);
    const before = index - start;
    const without = before > 0 ? filling(ratios, before, width) : Infinity;
    const along = filling(ratios + ratio, before + 1, width);
    /* Whichever of the two heights is nearer to the target ends the row. */
    if (along < target * (1 - SWAY) && without - target < target - along) {
      yield { from: start, to: index, height: without, full: true };
      start = index;
      ratios = 0;
    }
    ratios += ratio;
    const height = filling(ratios, index - start + 1, width);
    if (height > target * (1 + SWAY / 4)) continue;
    yield { from: start, to: index + 1, height, full: true };
    start = index + 1;
    ratios = 0;
  }
  if (start < to) yield { from: start, to, height: Math.min(target, filling(ratios, to - start, width)), full: false };
}

/* Sections are runs of works with the same key; where keyOf answers nothing there is no heading. */
export function layout<S extends Keyed>(spots: readonly S[], width: number, target: number, keyOf: (spot: S) => string): Layout {
  const out: Layout = { sections: [], rows: [], rowOf: new Uint32Array(spots.length), height: 0, count: 0 };
  const times = new Map<string, number>();
  let start = 0;
  while (start < spots.length) {
    const key = keyOf(spots[start]!);
    const before = times.get(key) ?? 0;
    times.set(key, before + 1);
    let end = start + 1;
    while (end < spots.length && keyOf(spots[end]!) === key) end++;
    addSection(out, spots, { key, id: before > 0 ? `${key}/${before}` : key, from: start, to: end }, width, target);
    start = end;
  }
  return out;
}

function addSection(out: Layout, spots: readonly Keyed[], run: { key: string; id: string; from: number; to: number }, width: number, target: number) {
  const section: Section = {
    key: run.key, id: run.id, first: run.from, count: run.to - run.from, top: out.height, height: 0,
    rows: { from: out.rows.length, to: 0 }, order: out.count + 1,
  };
  const number = out.sections.push(section) - 1;
  const head = run.key === "" ? 0 : HEADING;
  let top = section.top + head;
  if (head > 0) out.count++;
  for (const part of breaks(spots, run.from, run.to, width, target)) {
    const row: Row = {
      top, height: Math.round(part.height), tiles: tilesOf(spots, part.from, part.to, part.height, width, part.full),
      section: number, order: ++out.count,
    };
    out.rowOf.fill(out.rows.length, part.from, part.to);
    out.rows.push(row);
    top += row.height + GAP;
  }
  section.rows.to = out.rows.length;
  section.height = top - GAP - section.top;
  out.height = section.top + section.height + BETWEEN;
}

/* The rows that reach into top..bottom. */
export function rowsWithin({ rows }: Layout, top: number, bottom: number): { from: number; to: number } {
  const first = (isPast: (row: Row) => boolean) => {
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isPast(rows[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const from = first((row) => row.top + row.height >= top);
  return { from, to: Math.max(from, first((row) => row.top > bottom)) };
}

export function targetFor(viewport: number): number {
  if (viewport < 768) return 132;
  if (viewport < 1024) return 160;
  if (viewport < 1280) return 150;
  if (viewport < 1800) return 186;
  return 220;
}

/* The work an arrow key leads to: along the order, or to the nearest in the row above or below. */
export function neighbour({ rows, rowOf }: Layout, index: number, key: string): number | undefined {
  if (index < 0 || index >= rowOf.length) return undefined;
  if (key === "ArrowLeft") return Math.max(0, index - 1);
  if (key === "ArrowRight") return Math.min(rowOf.length - 1, index + 1);
  if (key === "Home") return 0;
  if (key === "End") return rowOf.length - 1;
  const row = rows[rowOf[index]!]!;
  const here = row.tiles[index - row.tiles[0]!.index]!;
  const other = rows[rowOf[index]! + (key === "ArrowUp" ? -1 : 1)];
  if (!other) return index;
  const middle = here.left + here.width / 2;
  const distance = (tile: Tile) => Math.abs(tile.left + tile.width / 2 - middle);
  return other.tiles.reduce((best, tile) => (distance(tile) < distance(best) ? tile : best)).index;
}
