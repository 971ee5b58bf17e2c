/* SPDX-License-Identifier: Apache-2.0 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GAP, layout, neighbour } from "../library/justify";
import type { Asset } from "../types";

const HOUR = 3_600_000;
const NOON = new Date(2026, 10, 20, 12).getTime();
const shapes = [[1216, 832], [832, 1216], [1024, 1024], [1344, 768], [768, 1344]];

function works(count: number, hoursApart: number): Asset[] {
  return Array.from({ length: count }, (_, index) => {
    const [width, height] = shapes[(index * 7) % shapes.length]!;
    return { _id: `a${index}`, width, height, createdAt: NOON - index * hoursApart * HOUR } as Asset;
  });
}

test("every full row fills the width exactly, at any width", () => {
  for (const width of [288, 358, 700, 1192, 1672]) {
    for (const day of layout(works(80, 0), width, 186)) {
      for (const row of day.rows.slice(0, -1)) {
        const last = row.tiles[row.tiles.length - 1]!;
        assert.equal(last.left + last.width, width);
      }
    }
  }
});

test("rows stay near their target height", () => {
  for (const row of layout(works(200, 0), 1192, 186)[0]!.rows.slice(0, -1)) {
    assert.ok(row.height > 186 * 0.75 && row.height < 186 * 1.25, `${row.height}`);
  }
});

test("a frame has the ratio of its work to within two pixels", () => {
  for (const row of layout(works(60, 0), 1192, 186)[0]!.rows) {
    for (const tile of row.tiles) {
      const wanted = (tile.asset.width / tile.asset.height) * row.height;
      assert.ok(Math.abs(wanted - tile.width) < row.tiles.length, `${wanted} ${tile.width}`);
    }
  }
});

test("tiles of a row stand 6 pixels apart and keep their order", () => {
  const rows = layout(works(60, 0), 1192, 186).flatMap((day) => day.rows);
  assert.deepEqual(rows.flatMap((row) => row.tiles.map((tile) => tile.index)), works(60, 0).map((_, index) => index));
  for (const row of rows) {
    row.tiles.slice(1).forEach((tile, place) => assert.equal(tile.left - row.tiles[place]!.left - row.tiles[place]!.width, GAP));
  }
});

test("a day is one section, whatever it holds", () => {
  assert.deepEqual(layout(works(3, 24), 1192, 186).map((day) => day.count), [1, 1, 1]);
  assert.deepEqual(layout(works(1, 24), 1192, 186)[0]!.rows.map((row) => row.height), [186]);
  assert.deepEqual(layout([], 1192, 186), []);
});

test("arrows lead to neighbours and stop at the ends", () => {
  const days = layout(works(30, 0), 1192, 186);
  assert.equal(neighbour(days, 0, "ArrowLeft"), 0);
  assert.equal(neighbour(days, 0, "ArrowRight"), 1);
  assert.equal(neighbour(days, 29, "ArrowRight"), 29);
  assert.equal(neighbour(days, 5, "Home"), 0);
  assert.equal(neighbour(days, 5, "End"), 29);
  const below = neighbour(days, 0, "ArrowDown")!;
  assert.equal(below, days[0]!.rows[1]!.tiles[0]!.index);
  assert.equal(neighbour(days, below, "ArrowUp"), 0);
});
