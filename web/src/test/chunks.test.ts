/* SPDX-License-Identifier: Apache-2.0 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHUNK, Chunks } from "../library/chunks";
import type { Spot } from "../types";

const spot = (name: number | string) => ({ _id: `a${name}` }) as Spot;
const spots = (count: number) => Array.from({ length: count }, (_, index) => spot(index));

test("what is near the screen is covered, and little more", () => {
  const chunks = new Chunks();
  const covered = chunks.covering(spots(1000), 100, 150).flatMap((chunk) => chunks.ids[chunk]!);
  for (let index = 100; index < 150; index++) assert.ok(covered.includes(spot(index)._id));
  assert.ok(covered.length < 50 + CHUNK);
  assert.deepEqual(chunks.covering([], 0, 40), []);
});

test("works that come and go change no chunk of the others", () => {
  const chunks = new Chunks();
  const before = spots(100);
  const first = chunks.covering(before, 0, 80);
  const kept = first.map((chunk) => [...chunks.ids[chunk]!]);
  const after = [spot("new"), ...before.slice(0, 10), ...before.slice(11)];
  const second = chunks.covering(after, 0, 80);
  assert.deepEqual(first.map((chunk) => chunks.ids[chunk]), kept);
  assert.equal(second.length, first.length + 1);
});

test("nothing is asked for twice", () => {
  const chunks = new Chunks();
  const all = spots(500);
  for (let step = 0; step < 500; step += 30) chunks.covering(all, step, step + 60);
  const ids = chunks.ids.flat();
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, 500);
});
