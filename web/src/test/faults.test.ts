/* SPDX-License-Identifier: Apache-2.0 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConvexError } from "convex/values";
import { messageOf } from "../app/faults";
import { words } from "../words";

test("what the server says to a person is shown as it is", () => {
  assert.equal(messageOf(new ConvexError({ code: "STATE", message: "It has ended already." })), "It has ended already.");
});

test("a rate limit says when the next one can start", () => {
  assert.equal(messageOf(new ConvexError({ code: "RATE_LIMIT", retryAfter: 20 })), "You can start the next one in 20 s.");
});

test("an argument error loses its technical head", () => {
  const text = "[CONVEX M(generations:createGenerationJob)] [Request ID: 1] Server Error\nArgumentValidationError: prompt is longer than 2000";
  assert.equal(messageOf(new Error(text)), "prompt is longer than 2000");
  assert.equal(messageOf(new Error("[CONVEX M(a:b)] Server Error")), words.fault.server);
  assert.equal(messageOf("odd"), words.fault.server);
});
