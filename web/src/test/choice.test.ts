/* SPDX-License-Identifier: Apache-2.0 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { choiceOf } from "../library/choice";

const of = (query: string) => choiceOf(new URLSearchParams(query));

test("an address that says nothing shows everything, newest first", () => {
  assert.deepEqual([of("").shelf, of("").sortName, of("").isPart], [{}, "newest", false]);
});

test("what an address says that is no choice counts as not said", () => {
  assert.deepEqual(of("type=song&only=mine&sort=best").shelf, {});
});

test("kind, origin and order go to the server", () => {
  assert.deepEqual(of("type=image&only=uploaded&sort=smallest").shelf, { type: "image", source: "uploaded", sort: "size", order: "asc" });
  assert.deepEqual(of("only=marked").shelf, { isFavorite: true });
});

test("what is found by words comes newest first, whatever order was chosen", () => {
  assert.deepEqual([of("q=%20red%20kite&sort=largest").shelf, of("q=a&sort=largest").sortName], [{ searchTerm: "red kite" }, "newest"]);
  assert.equal(of("q=%20").isPart, false);
});
