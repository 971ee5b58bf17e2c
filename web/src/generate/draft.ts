/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the composer: kept per account in this browser until it is sent, and after. Settings
   are kept apart from the model, so that a change of model keeps all that the next one also has. */
import { useCallback, useEffect, useRef, useState } from "react";
import { keptRead, keptWrite } from "../app/kept";
import type { AssetId } from "../types";

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
  quality?: string;
  resolution?: string;
  /* The camera of a film does not move. */
  still?: boolean;
  /* A picture of one's own to start from, and how far to go from it. */
  start?: AssetId;
  strength?: number;
}

/* Where the model says nothing: half of the way. */
export const STRENGTH = { min: 0.05, max: 1, default: 0.5, step: 0.05 };
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
  shape: undefined, steps: undefined, guidance: undefined, seconds: undefined, quality: undefined, resolution: undefined,
  still: undefined, strength: undefined, start: draft.start,
});
