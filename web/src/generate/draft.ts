/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the composer: kept per account in this browser until it is sent, and after. Settings
   are kept apart from the model, so that a change of model keeps all that the next one also has. */
import { useCallback, useEffect, useRef, useState } from "react";
import { keptRead, keptWrite } from "../app/kept";
import type { FilmRequest, Job, Model, PictureRequest } from "../types";

export type Kind = "image" | "video";

export interface Draft {
  kind: Kind;
  prompt: string;
  leaveOut: string;
  leaveOutOpen: boolean;
  models: Partial<Record<Kind, string>>;
  shape?: string;
  count: number;
  steps?: number;
  guidance?: number;
  seed: number | null;
  seconds?: number;
  resolution?: string;
  ratio?: string;
}

const PROMPT_LIMIT: Record<Kind, number> = { image: 2000, video: 500 };
export const SEED_LIMIT = 2_147_483_647;
const EARLIER = 20;

const blank: Draft = { kind: "image", prompt: "", leaveOut: "", leaveOutOpen: false, models: {}, count: 1, seed: null };

export type Change = (part: Partial<Draft>) => void;

export function useDraft(userId: string) {
  const key = `atelier.draft.${userId}`;
  const [draft, setDraft] = useState<Draft>(() => ({ ...blank, ...keptRead<Draft>(key) }));
  /* Only what was changed in this tab: another one may have kept newer words meanwhile. */
  const changed = useRef(false);
  const latest = useRef(draft);
  latest.current = draft;
  const keep = useCallback(() => {
    if (changed.current) keptWrite(key, latest.current);
    changed.current = false;
  }, [key]);
  useEffect(() => {
    const timer = setTimeout(keep, 200);
    return () => clearTimeout(timer);
  }, [keep, draft]);
  useEffect(() => {
    addEventListener("pagehide", keep);
    return () => {
      removeEventListener("pagehide", keep);
      keep();
    };
  }, [keep]);
  const change = useCallback<Change>((part) => {
    changed.current = true;
    setDraft((now) => ({ ...now, ...part }));
  }, []);
  return { draft, change };
}

export const earlierPrompts = (userId: string) => keptRead<string[]>(`atelier.prompts.${userId}`) ?? [];

export function rememberPrompt(userId: string, prompt: string) {
  const kept = [prompt, ...earlierPrompts(userId).filter((earlier) => earlier !== prompt)].slice(0, EARLIER);
  keptWrite(`atelier.prompts.${userId}`, kept);
}

export const resetDraft = (draft: Draft): Partial<Draft> => ({
  ...blank, kind: draft.kind, prompt: draft.prompt, models: draft.models,
  shape: undefined, steps: undefined, guidance: undefined, seconds: undefined, resolution: undefined, ratio: undefined,
});

const clamp = (value: number, range: { min: number; max: number }) => Math.min(range.max, Math.max(range.min, value));

/* The draft as the chosen model understands it. */
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
  resolution?: string;
  ratio?: string;
}

export const modelsFor = (models: Model[], kind: Kind) => models.filter((model) => model.modelType === kind && model.isActive);

const oneOf = <T,>(wanted: T | undefined, offered: readonly T[] | undefined, usual?: T): T | undefined =>
  offered?.find((offer) => offer === wanted) ?? offered?.find((offer) => offer === usual) ?? offered?.[0];

export function planOf(draft: Draft, models: Model[]): Plan | undefined {
  const offered = modelsFor(models, draft.kind);
  const model =
    offered.find((one) => one.modelId === draft.models[draft.kind]) ?? offered.find((one) => one.isDefault) ?? offered[0];
  if (!model) return undefined;
  const can = model.capabilities;
  const film = draft.kind === "video";
  const count = film ? 1 : clamp(draft.count, { min: 1, max: Math.max(1, can.maxImages) });
  return {
    model, film, count,
    promptLimit: Math.min(PROMPT_LIMIT[draft.kind], can.promptMax),
    each: model.credits,
    price: model.credits * count,
    shape: film ? undefined : (can.sizes.find((size) => size.name === draft.shape) ?? can.sizes[0]),
    steps: can.steps && clamp(draft.steps ?? can.steps.default, can.steps),
    guidance: can.guidance && clamp(draft.guidance ?? can.guidance.default, can.guidance),
    seed: can.seed && draft.seed !== null ? draft.seed : undefined,
    seconds: oneOf(draft.seconds, can.durations, can.defaultDuration),
    resolution: film ? oneOf(draft.resolution, can.resolutions?.map((one) => one.name)) : undefined,
    ratio: film ? oneOf(draft.ratio, can.aspectRatios) : undefined,
  };
}

/* The plan at the price that the server quotes for it. */
export const quoted = (plan: Plan, each: number): Plan => ({ ...plan, each, price: each * plan.count });

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
    ...(plan.seed !== undefined && { seed: plan.seed }),
  };
}

export function filmRequest(draft: Draft, plan: Plan): FilmRequest {
  const settings = {
    ...(plan.resolution !== undefined && { resolution: plan.resolution }),
    ...(plan.ratio !== undefined && { aspectRatio: plan.ratio }),
  };
  return {
    prompt: draft.prompt.trim(), model: plan.model.modelId, duration: String(plan.seconds ?? 4),
    ...(Object.keys(settings).length > 0 && { generationSettings: settings }),
  };
}

/* A made thing, back in the composer. The model of the other kind stays as it was chosen. */
export function recall(job: Job, models: Model[], chosen: Draft["models"] = {}): Partial<Draft> {
  const kind: Kind = job.kind === "video" ? "video" : "image";
  const model = models.find((one) => one.modelId === job.model);
  const shape = model?.capabilities.sizes.find((size) => size.width === job.width && size.height === job.height);
  return {
    kind, prompt: job.prompt, leaveOut: job.negativePrompt ?? "", leaveOutOpen: Boolean(job.negativePrompt),
    models: { ...chosen, [kind]: job.model }, count: job.numImages, shape: shape?.name, steps: job.steps, guidance: job.guidance,
    seconds: job.duration,
  };
}
