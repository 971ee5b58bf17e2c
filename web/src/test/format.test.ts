/* SPDX-License-Identifier: Apache-2.0 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, cut, dayName, filmLength, left, ordinal, size, took } from "../format";
import { words } from "../words";

test("sizes are short, and a gigabyte of a plan is 1 GB", () => {
  assert.deepEqual([0, 820, 1_992_295, 41_016_937_677, 1_073_741_824, 478_208].map(size), ["0 B", "820 B", "1.9 MB", "38.2 GB", "1 GB", "467 kB"]);
});

test("what is left comes in steps of five above twenty seconds", () => {
  assert.deepEqual([0.2, 7.3, 20, 21, 43, 130].map(left), ["1 s", "8 s", "20 s", "25 s", "45 s", "2 min 10 s"]);
  assert.deepEqual([6.94, 61, 125].map(took), ["6.9 s", "61 s", "2 min 5 s"]);
});

test("plurals and ordinals", () => {
  assert.equal(counted(1, "credit", "credits"), "1 credit");
  assert.equal(counted(1204, "work", "works"), "1,204 works");
  assert.deepEqual([0, 1, 3, 12, 21].map(ordinal), ["Next", "Next", "Third", "12th", "21st"]);
});

test("days are named as a person would", () => {
  const now = new Date(2026, 10, 20, 9).getTime();
  assert.equal(dayName(now - 3_600_000, now), "Today");
  assert.equal(dayName(now - 24 * 3_600_000, now), "Yesterday");
  assert.equal(dayName(new Date(2026, 10, 18).getTime(), now), "Wednesday 18 November");
  assert.equal(dayName(new Date(2025, 10, 18).getTime(), now), "18 November 2025");
});

test("lengths and cuts", () => {
  assert.equal(filmLength(8), "0:08");
  assert.equal(filmLength(65.4), "1:05");
  assert.equal(cut("short", 10), "short");
  assert.equal(cut("a boat under a full moon", 12), "a boat…");
});

test("a failure says in the same breath that the credits are back", () => {
  assert.equal(words.spoken.notMade("the model stopped answering.", 12), "Not made: the model stopped answering. Your 12 credits are back.");
  assert.equal(words.stream.returned(1), "Your credit is back.");
  assert.equal(words.stream.returned(0), "Nothing was charged.");
});
