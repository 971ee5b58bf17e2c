/* SPDX-License-Identifier: Apache-2.0 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Draft } from "../generate/draft";
import { filmAgain, filmRequest, pictureAgain, pictureRequest, planOf, recallEmbedded, startFrom } from "../generate/plan";
import type { AssetId, Job, Model } from "../types";

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

const etcher = {
  modelId: "etcher", modelType: "image", isActive: true, isDefault: false, credits: 4,
  capabilities: {
    sizes: [{ name: "Square", width: 512, height: 512, credits: 4 }, { name: "Large", width: 2048, height: 1024, credits: 8 }], maxImages: 2, promptMax: 100, anySize: false, priceByPixels: true,
    image: "optional", strength: true, cameraFixed: false, negativePrompt: false, seed: true,
    qualities: [{ name: "plain", credits: 4 }, { name: "fine", credits: 6 }], resolutions: [{ name: "1K", credits: 4 }, { name: "2K", credits: 10, plans: ["plus"] }],
  },
} as unknown as Model;
const cinema = {
  modelId: "cinema", modelType: "video", isActive: true, isDefault: false, credits: 20,
  capabilities: {
    sizes: [{ name: "16:9", width: 1280, height: 720 }, { name: "1:1", width: 720, height: 720 }], maxImages: 1, promptMax: 500, anySize: false, image: "required", strength: false, cameraFixed: true,
    negativePrompt: true, seed: false, durations: [4, 8, 12], defaultDuration: 4, qualities: [],
    resolutions: [{ name: "480p", credits: 20, bySecond: true }, { name: "1080p", credits: 60, bySecond: true, durationMax: 8 }],
  },
} as unknown as Model;
const picture = "w1" as AssetId;
const chosen: Draft = { ...draft, models: { image: "etcher", video: "cinema" }, count: 2, shape: "Large", quality: "fine", resolution: "2K", start: picture, strength: 0.8, seed: null };

test("quality, resolution and pixels are priced before the server has answered", () => {
  assert.equal(planOf(chosen, [etcher], "plus")!.each, 30);
  assert.equal(planOf({ ...chosen, shape: "Square" }, [etcher], "plus")!.each, 15);
});

test("what is for other plans falls back to what everybody has", () => {
  const plan = planOf(chosen, [etcher], "free")!;
  assert.equal(plan.resolution, "1K");
  assert.equal(plan.each, 12);
});

test("a picture to start from goes along only where the model takes one", () => {
  const request = pictureRequest(chosen, planOf(chosen, [etcher], "plus")!);
  assert.deepEqual(request, {
    prompt: "a red kite", model: "etcher", numImages: 2, width: 2048, height: 1024, quality: "fine", resolution: "2K", imageId: "w1", strength: 0.8,
  });
  const other = { ...chosen, models: { image: "sketch" } };
  assert.equal("imageId" in pictureRequest(other, planOf(other, models)!), false);
});

test("a film has the lengths that its resolution allows, priced by the second", () => {
  const wanted: Draft = { ...chosen, kind: "video", shape: "1:1", resolution: "1080p", seconds: 12, still: true };
  const plan = planOf(wanted, [cinema])!;
  assert.deepEqual(plan.durations, [4, 8]);
  assert.equal(plan.seconds, 4);
  assert.equal(planOf({ ...wanted, seconds: 8 }, [cinema])!.each, 120);
  assert.deepEqual(filmRequest(wanted, plan), {
    prompt: "a red kite", model: "cinema", duration: "4", generationSettings: { resolution: "1080p", aspectRatio: "1:1", cameraFixed: true }, imageId: "w1",
  });
});

test("the same once more is asked for with all that was chosen then", () => {
  const job = {
    kind: "image", model: "etcher", prompt: "a", negativePrompt: "b", width: 512, height: 512, numImages: 2, quality: "fine", resolution: "2K", imageId: "w1", strength: 0.4, seed: 5,
  } as unknown as Job;
  assert.deepEqual(pictureAgain(job, etcher), {
    prompt: "a", model: "etcher", width: 512, height: 512, numImages: 2, negativePrompt: "b", quality: "fine", resolution: "2K", imageId: "w1", strength: 0.4, seed: 5,
  });
  assert.equal("seed" in pictureAgain(job, fine), false);
  const shot = { kind: "video", model: "cinema", prompt: "c", width: 720, height: 720, duration: 8, resolution: "480p", cameraFixed: true, imageId: "w1" } as unknown as Job;
  assert.deepEqual(filmAgain(shot, cinema), {
    prompt: "c", model: "cinema", duration: "8", imageId: "w1", generationSettings: { resolution: "480p", aspectRatio: "1:1", cameraFixed: true },
  });
});

test("to start from a picture, a model that can is chosen where the present one cannot", () => {
  assert.deepEqual(startFrom(draft, [sketch, cinema], picture), { start: "w1", kind: "video", models: { video: "cinema" } });
  assert.deepEqual(startFrom(draft, [sketch, etcher, cinema], picture), { start: "w1", kind: "image", models: { image: "etcher" } });
  assert.deepEqual(startFrom(chosen, [sketch, etcher], picture), { start: "w1" });
  assert.deepEqual(startFrom(draft, [sketch], picture), { start: "w1" });
});

test("what another tool wrote into a file comes back as far as there is something like it", () => {
  const said = { tool: "automatic1111" as const, prompt: "a red kite", negativePrompt: "fog", model: "FINE", seed: 7, steps: 45, width: 768, height: 512 };
  const part = recallEmbedded(said, models);
  assert.deepEqual([part.models, part.shape, part.seed], [{ image: "fine" }, "3 : 2", 7]);
  const now = { ...draft, ...part };
  assert.deepEqual(pictureRequest(now, planOf(now, models)!), {
    prompt: "a red kite", model: "fine", numImages: 2, width: 1200, height: 800, negativePrompt: "fog", steps: 30,
  });
  const other = recallEmbedded({ tool: "comfyui", prompt: "a", model: "unknown", seed: 1e18, width: 512, height: 512 }, models, { image: "sketch" });
  assert.deepEqual([other.models, other.shape, other.seed], [undefined, "Square", null]);
});
