/* SPDX-License-Identifier: Apache-2.0 */
/* What will be asked for: of a draft, that which the chosen model declares, and what it costs. */
import type { Asset, FilmRequest, Job, Model, PictureRequest, Tier } from "../types";
import { SEED_LIMIT, STRENGTH, type Draft, type Kind } from "./draft";

const PROMPT_LIMIT: Record<Kind, number> = { image: 2000, video: 500 };

export interface Plan {
  promptLimit: number;
  model: Model;
  film: boolean;
  count: number;
  each: number;
  price: number;
  shape?: { name: string; width: number; height: number };
  steps?: number;
  guidance?: number;
  seed?: number;
  seconds?: number;
  durations: number[];
  quality?: string;
  resolution?: string;
  still?: boolean;
  start?: Draft["start"];
  strength?: number;
}

export const modelsFor = (models: Model[], kind: Kind) => models.filter((model) => model.modelType === kind && model.isActive);
export const startsFromPictures = (model: Model) => model.capabilities.image !== "no";
export const needsPicture = (model: Model) => model.capabilities.image === "required";

/* Some tiers are for some plans only; the server checks it again. */
export const mayHave = (tier: Tier, planKey?: string) => !tier.plans || planKey === undefined || tier.plans.includes(planKey);

const clamp = (value: number, range: { min: number; max: number }) => Math.min(range.max, Math.max(range.min, value));
const oneOf = <T,>(wanted: T | undefined, offered: readonly T[] | undefined, usual?: T): T | undefined =>
  offered?.find((offer) => offer === wanted) ?? offered?.find((offer) => offer === usual) ?? offered?.[0];

function tierOf(tiers: Tier[], wanted: string | undefined, planKey?: string): Tier | undefined {
  return tiers.find((tier) => tier.name === wanted && mayHave(tier, planKey)) ?? tiers[0];
}

/* From the price table, in one frame; the server tells the same a moment later. Each tier and size
   has its price with all else as usual, so together they multiply. */
function estimate(model: Model, seconds: number | undefined, parts: ({ credits: number; bySecond?: boolean } | undefined)[]): number {
  if (model.credits === 0) return Math.max(0, ...parts.map((part) => part?.credits ?? 0));
  const usual = model.capabilities.defaultDuration;
  const times = parts.reduce((product, part) => {
    if (!part) return product;
    const length = part.bySecond && seconds && usual ? seconds / usual : 1;
    return (product * part.credits * length) / model.credits;
  }, 1);
  return Math.ceil(model.credits * times - 1e-6);
}

function modelOf(draft: Draft, models: Model[]): Model | undefined {
  const offered = modelsFor(models, draft.kind);
  return offered.find((one) => one.modelId === draft.models[draft.kind]) ?? offered.find((one) => one.isDefault) ?? offered[0];
}

export function planOf(draft: Draft, models: Model[], planKey?: string): Plan | undefined {
  const model = modelOf(draft, models);
  if (!model) return undefined;
  const can = model.capabilities;
  const film = draft.kind === "video";
  const count = film ? 1 : clamp(draft.count, { min: 1, max: Math.max(1, can.maxImages) });
  const shape = can.sizes.find((size) => size.name === draft.shape) ?? can.sizes[0];
  const quality = film ? undefined : tierOf(can.qualities, draft.quality, planKey);
  const resolution = tierOf(can.resolutions, draft.resolution, planKey);
  const durations = (can.durations ?? []).filter((seconds) => seconds <= (resolution?.durationMax ?? Infinity));
  const seconds = film ? oneOf(draft.seconds, durations, can.defaultDuration) : undefined;
  const each = estimate(model, seconds, [quality, resolution, can.priceByPixels ? shape : undefined]);
  const start = startsFromPictures(model) ? draft.start : undefined;
  return {
    model, film, count, shape, seconds, durations, start, each, price: each * count,
    promptLimit: Math.min(PROMPT_LIMIT[draft.kind], can.promptMax),
    steps: film ? undefined : can.steps && clamp(draft.steps ?? can.steps.default, can.steps),
    guidance: film ? undefined : can.guidance && clamp(draft.guidance ?? can.guidance.default, can.guidance),
    seed: can.seed && draft.seed !== null ? draft.seed : undefined,
    quality: quality?.name,
    resolution: resolution?.name,
    still: film && can.cameraFixed ? (draft.still ?? false) : undefined,
    strength: start && can.strength && !film ? clamp(draft.strength ?? STRENGTH.default, STRENGTH) : undefined,
  };
}

/* The plan at the price that the server quotes for it. */
export const quoted = (plan: Plan, each: number): Plan => ({ ...plan, each, price: each * plan.count });

/* What the price depends on, as the server is asked for it. */
export const priceQuestion = (plan: Plan) => ({
  modelId: plan.model.modelId,
  ...(plan.seconds !== undefined && { duration: plan.seconds }),
  ...(plan.quality !== undefined && { quality: plan.quality }),
  ...(plan.resolution !== undefined && { resolution: plan.resolution }),
  ...(plan.model.capabilities.priceByPixels && plan.shape && { width: plan.shape.width, height: plan.shape.height }),
});

/* How many pictures, or films, the balance pays for with this model. */
export const enoughFor = (plan: Plan, balance: number) =>
  plan.each > 0 ? Math.floor(balance / plan.each) : plan.count;

export function pictureRequest(draft: Draft, plan: Plan): PictureRequest {
  const leaveOut = plan.model.capabilities.negativePrompt ? draft.leaveOut.trim() : "";
  return {
    prompt: draft.prompt.trim(), model: plan.model.modelId, numImages: plan.count,
    ...(plan.shape && { width: plan.shape.width, height: plan.shape.height }),
    ...(leaveOut && { negativePrompt: leaveOut }),
    ...(plan.steps !== undefined && { steps: plan.steps }),
    ...(plan.guidance !== undefined && { guidance: plan.guidance }),
    ...(plan.quality !== undefined && { quality: plan.quality }),
    ...(plan.resolution !== undefined && { resolution: plan.resolution }),
    ...(plan.start !== undefined && { imageId: plan.start }),
    ...(plan.strength !== undefined && { strength: plan.strength }),
    ...(plan.seed !== undefined && { seed: plan.seed }),
  };
}

export function filmRequest(draft: Draft, plan: Plan): FilmRequest {
  const settings = {
    ...(plan.resolution !== undefined && { resolution: plan.resolution }),
    ...(plan.shape && plan.model.capabilities.sizes.length > 1 && { aspectRatio: plan.shape.name }),
    ...(plan.still && { cameraFixed: true }),
  };
  return {
    prompt: draft.prompt.trim(), model: plan.model.modelId, duration: String(plan.seconds ?? 4),
    ...(Object.keys(settings).length > 0 && { generationSettings: settings }),
    ...(plan.start !== undefined && { imageId: plan.start }),
  };
}

const shapeOf = (job: Job, model: Model | undefined) =>
  model?.capabilities.sizes.find((size) => size.width === job.width && size.height === job.height);

/* The same once more, whatever stands in the composer now. */
export function pictureAgain(job: Job, model: Model | undefined): PictureRequest {
  const { prompt, negativePrompt, enhancedPrompt, width, height, steps, guidance, quality, resolution, imageId, strength, seed, numImages } = job;
  return {
    prompt, model: job.model, width, height, numImages,
    ...(negativePrompt && { negativePrompt }), ...(enhancedPrompt && { enhancedPrompt }),
    ...(steps !== undefined && { steps }), ...(guidance !== undefined && { guidance }),
    ...(quality && { quality }), ...(resolution && { resolution }),
    ...(imageId && { imageId }), ...(strength !== undefined && { strength }),
    ...(seed !== undefined && model?.capabilities.seed && { seed }),
  };
}

export function filmAgain(job: Job, model: Model | undefined): FilmRequest {
  const shape = shapeOf(job, model);
  const settings = {
    ...(job.resolution && { resolution: job.resolution }), ...(shape && { aspectRatio: shape.name }), ...(job.cameraFixed && { cameraFixed: true }),
  };
  return {
    prompt: job.prompt, model: job.model, duration: String(job.duration ?? 4),
    ...(Object.keys(settings).length > 0 && { generationSettings: settings }), ...(job.imageId && { imageId: job.imageId }),
  };
}

/* A made thing, back in the composer. The model of the other kind stays as it was chosen. */
export function recall(job: Job, models: Model[], chosen: Draft["models"] = {}): Partial<Draft> {
  const kind: Kind = job.kind === "video" ? "video" : "image";
  const model = models.find((one) => one.modelId === job.model);
  return {
    kind, prompt: job.prompt, leaveOut: job.negativePrompt ?? "", leaveOutOpen: Boolean(job.negativePrompt),
    models: { ...chosen, [kind]: job.model }, count: job.numImages, shape: shapeOf(job, model)?.name, steps: job.steps, guidance: job.guidance,
    seconds: job.duration, quality: job.quality || undefined, resolution: job.resolution || undefined, still: job.cameraFixed,
    start: job.imageId, strength: job.strength,
  };
}

/* What an uploaded file says of its making, as far as there is something like it here. */
export function recallEmbedded(said: NonNullable<Asset["embedded"]>, models: Model[], chosen: Draft["models"] = {}): Partial<Draft> {
  const wanted = said.model?.toLowerCase();
  const same = (name: string | undefined) => wanted !== undefined && name?.toLowerCase() === wanted;
  const model = models.find((one) => one.modelType === "image" && (same(one.modelId) || same(one.name)));
  const part: Partial<Draft> = {
    kind: "image", prompt: said.prompt ?? "", leaveOut: said.negativePrompt ?? "", leaveOutOpen: Boolean(said.negativePrompt), steps: said.steps, guidance: said.guidance,
    seed: said.seed !== undefined && said.seed >= 0 && said.seed <= SEED_LIMIT ? said.seed : null,
  };
  if (model) part.models = { ...chosen, image: model.modelId };
  const able = model ?? modelsFor(models, "image").find((one) => one.modelId === chosen.image) ?? modelsFor(models, "image")[0];
  if (said.width && said.height) part.shape = nearestShape(able, said.width / said.height);
  return part;
}

function nearestShape(model: Model | undefined, ratio: number): string | undefined {
  const off = (size: { width: number; height: number }) => Math.abs(Math.log(size.width / size.height / ratio));
  return [...(model?.capabilities.sizes ?? [])].sort((one, other) => off(one) - off(other))[0]?.name;
}

/* A picture is to be the start: the chosen model if it can, else the first that can, of this kind
   before the other. */
export function startFrom(draft: Draft, models: Model[], start: NonNullable<Draft["start"]>): Partial<Draft> {
  const now = modelOf(draft, models);
  if (now && startsFromPictures(now)) return { start };
  const other: Kind = draft.kind === "image" ? "video" : "image";
  const able = [...modelsFor(models, draft.kind), ...modelsFor(models, other)].find(startsFromPictures);
  if (!able) return { start };
  const kind: Kind = able.modelType === "video" ? "video" : "image";
  return { start, kind, models: { ...draft.models, [kind]: able.modelId } };
}
