/* SPDX-License-Identifier: Apache-2.0 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dayKey } from "../format";
import { GAP, layout, neighbour, rowsWithin } from "../library/justify";
import type { Spot } from "../types";

const HOUR = 3_600_000;
const NOON = new Date(2026, 10, 20, 12).getTime();
const shapes = [1.462, 0.684, 1, 1.75, 0.571];

function spots(count: number, hoursApart: number): Spot[] {
  return Array.from({ length: count }, (_, index) => ({
    _id: `a${index}` as Spot["_id"], ratio: shapes[(index * 7) % shapes.length]!, at: NOON - index * hoursApart * HOUR, bytes: 1, type: "image",
  }));
}
const byDay = (spot: Spot) => dayKey(spot.at);
const laid = (count: number, hoursApart = 0, width = 1192) => layout(spots(count, hoursApart), width, 186, byDay);

test("every full row fills the width exactly, at any width", () => {
  for (const width of [288, 358, 700, 1192, 1672]) {
    for (const row of laid(80, 0, width).rows.slice(0, -1)) {
      const last = row.tiles[row.tiles.length - 1]!;
      assert.equal(last.left + last.width, width);
    }
  }
});

test("rows stay near their target height", () => {
  for (const row of laid(200).rows.slice(0, -1)) assert.ok(row.height > 186 * 0.75 && row.height < 186 * 1.25, `${row.height}`);
});

test("a frame has the ratio of its work to within two pixels", () => {
  const all = spots(60, 0);
  for (const row of laid(60).rows) {
    for (const tile of row.tiles) {
      const wanted = all[tile.index]!.ratio * row.height;
      assert.ok(Math.abs(wanted - tile.width) < row.tiles.length, `${wanted} ${tile.width}`);
    }
  }
});

test("tiles of a row stand 6 pixels apart and keep their order", () => {
  const { rows } = laid(60);
  assert.deepEqual(rows.flatMap((row) => row.tiles.map((tile) => tile.index)), spots(60, 0).map((_, index) => index));
  for (const row of rows) {
    row.tiles.slice(1).forEach((tile, place) => assert.equal(tile.left - row.tiles[place]!.left - row.tiles[place]!.width, GAP));
  }
});

test("rows stand below one another, whatever the sections", () => {
  const { rows, sections, height } = laid(500, 5);
  rows.slice(1).forEach((row, place) => assert.ok(row.top >= rows[place]!.top + rows[place]!.height + GAP));
  sections.slice(1).forEach((section, place) => assert.ok(section.top >= sections[place]!.top + sections[place]!.height));
  assert.ok(height >= rows[rows.length - 1]!.top + rows[rows.length - 1]!.height);
});

test("a day is one section, whatever it holds", () => {
  assert.deepEqual(laid(3, 24).sections.map((day) => day.count), [1, 1, 1]);
  assert.deepEqual(laid(1, 24).rows.map((row) => row.height), [186]);
  assert.deepEqual(laid(0).sections, []);
});

test("a day that comes twice is two sections of different names", () => {
  const ids = layout(spots(9, 0), 1192, 186, (spot) => (spot._id < "a3" || spot._id > "a5" ? "today" : "before")).sections.map((one) => one.id);
  assert.equal(new Set(ids).size, 3);
});

test("without a key there is no heading to leave room for", () => {
  const { rows, sections, count } = layout(spots(30, 0), 1192, 186, () => "");
  assert.equal(sections.length, 1);
  assert.equal(rows[0]!.top, 0);
  assert.equal(count, rows.length);
});

test("rows within a part of the page are those that reach into it", () => {
  const all = laid(2000, 3);
  for (const [top, bottom] of [[-500, 900], [0, 0], [4000, 6000], [all.height - 10, all.height + 900], [1e9, 2e9], [-900, -800]] as const) {
    const { from, to } = rowsWithin(all, top, bottom);
    const wanted = all.rows.map((_, index) => index).filter((index) => all.rows[index]!.top + all.rows[index]!.height >= top && all.rows[index]!.top <= bottom);
    assert.deepEqual([...Array(to - from).keys()].map((step) => from + step), wanted);
  }
});

test("each work knows its row", () => {
  const { rows, rowOf } = laid(300, 2);
  rows.forEach((row, index) => row.tiles.forEach((tile) => assert.equal(rowOf[tile.index], index)));
});

test("ten thousand works are laid out while nobody waits", () => {
  const all = spots(10_000, 0.7);
  const start = performance.now();
  layout(all, 1192, 186, byDay);
  assert.ok(performance.now() - start < 150, `${performance.now() - start} ms`);
});

test("arrows lead to neighbours and stop at the ends", () => {
  const all = laid(30);
  assert.equal(neighbour(all, 0, "ArrowLeft"), 0);
  assert.equal(neighbour(all, 0, "ArrowRight"), 1);
  assert.equal(neighbour(all, 29, "ArrowRight"), 29);
  assert.equal(neighbour(all, 5, "Home"), 0);
  assert.equal(neighbour(all, 5, "End"), 29);
  const below = neighbour(all, 0, "ArrowDown")!;
  assert.equal(below, all.rows[1]!.tiles[0]!.index);
  assert.equal(neighbour(all, below, "ArrowUp"), 0);
  assert.equal(neighbour(all, 30, "ArrowUp"), undefined);
});
