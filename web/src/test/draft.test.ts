/* SPDX-License-Identifier: Apache-2.0 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { filmRequest, pictureRequest, planOf, type Draft } from "../generate/draft";
import type { Model } from "../types";

const sketch = {
  modelId: "sketch", modelType: "image", isActive: true, isDefault: true, credits: 1,
  capabilities: { sizes: [{ name: "Square", width: 1024, height: 1024 }, { name: "3 : 2", width: 1216, height: 832 }], maxImages: 4, promptMax: 2000, anySize: false, image: "no", qualities: [], resolutions: [], negativePrompt: false, seed: true },
} as unknown as Model;
const fine = {
  modelId: "fine", modelType: "image", isActive: true, isDefault: false, credits: 4,
  capabilities: { sizes: [{ name: "3 : 2", width: 1200, height: 800 }], maxImages: 2, promptMax: 2000, anySize: false, image: "no", qualities: [], resolutions: [], negativePrompt: true, seed: false, steps: { min: 10, max: 30, default: 20 } },
} as unknown as Model;
const film = {
  modelId: "motion", modelType: "video", isActive: true, isDefault: true, credits: 10,
  capabilities: { sizes: [], maxImages: 1, promptMax: 2000, anySize: false, image: "no", qualities: [], resolutions: [], negativePrompt: false, seed: false, durations: [4, 6, 8], defaultDuration: 6 },
} as unknown as Model;
const models = [sketch, fine, film];
const draft: Draft = { kind: "image", prompt: " a red kite ", leaveOut: "fog", leaveOutOpen: true, models: {}, count: 4, shape: "3 : 2", steps: 45, seed: 7 };

test("a request holds only what the model declares", () => {
  assert.deepEqual(pictureRequest(draft, planOf(draft, models)!), {
    prompt: "a red kite", model: "sketch", numImages: 4, width: 1216, height: 832, seed: 7,
  });
});

test("a change of model keeps what the next one has, within its limits", () => {
  const other = { ...draft, models: { image: "fine" } };
  assert.deepEqual(pictureRequest(other, planOf(other, models)!), {
    prompt: "a red kite", model: "fine", numImages: 2, width: 1200, height: 800, negativePrompt: "fog", steps: 30,
  });
});

test("the price is that of the model times how many", () => {
  assert.equal(planOf(draft, models)!.price, 4);
  assert.equal(planOf({ ...draft, models: { image: "fine" } }, models)!.price, 8);
  assert.equal(planOf({ ...draft, kind: "video" }, models)!.price, 10);
});

test("a film is asked for with its usual length until one is chosen", () => {
  const wanted: Draft = { ...draft, kind: "video" };
  assert.deepEqual(filmRequest(wanted, planOf(wanted, models)!), { prompt: "a red kite", model: "motion", duration: "6" });
  const longer = { ...wanted, seconds: 8 };
  assert.equal(filmRequest(longer, planOf(longer, models)!).duration, "8");
  const odd = { ...wanted, seconds: 5 };
  assert.equal(filmRequest(odd, planOf(odd, models)!).duration, "6");
});

test("there is no plan without a model", () => {
  assert.equal(planOf({ ...draft, kind: "video" }, [sketch]), undefined);
  assert.equal(planOf(draft, [{ ...sketch, isActive: false }]), undefined);
});
