/* SPDX-License-Identifier: Apache-2.0 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { actualScale, bounded, FIT, zoomedAt } from "../library/zoom";

const natural = { width: 2000, height: 1000 };
const fitted = { width: 1000, height: 500 };
const room = { width: 1200, height: 800 };

test("the point under the pointer stays there", () => {
  const at = { x: 120, y: -80 };
  const before = { x: at.x - FIT.x, y: at.y - FIT.y };
  const zoom = zoomedAt(FIT, 3, at);
  assert.deepEqual({ x: (at.x - zoom.x) / 3, y: (at.y - zoom.y) / 3 }, before);
});

test("it goes no further out than fitting and no closer than four times its points", () => {
  assert.deepEqual(bounded({ scale: 0.2, x: 50, y: 50 }, fitted, room, natural), FIT);
  assert.equal(bounded({ scale: 99, x: 0, y: 0 }, fitted, room, natural).scale, 8);
  assert.equal(actualScale(fitted, natural), 2);
  assert.equal(actualScale({ width: 100, height: 100 }, { width: 50, height: 50 }), 1);
});

test("what is larger than the room cannot be moved off it", () => {
  assert.deepEqual(bounded({ scale: 2, x: 9999, y: -9999 }, fitted, room, natural), { scale: 2, x: 400, y: -100 });
});
