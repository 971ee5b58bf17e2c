/* SPDX-License-Identifier: Apache-2.0 */
/* Sends what stands in the composer, and says in place what was wrong with it. */
import { useMutation } from "convex/react";
import { useRef, useState } from "react";
import { dataOf, messageOf } from "../app/faults";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import { useMe } from "../app/live";
import { words } from "../words";
import { rememberPrompt, type Draft } from "./draft";
import { filmRequest, needsPicture, pictureRequest, type Plan } from "./plan";

export interface SendFault {
  at: "prompt" | "start" | "pay";
  text: string;
}

const SHORTEST_FILM = 3;

export function promptFault(draft: Draft, limit: number): string | undefined {
  const length = draft.prompt.trim().length;
  if (length === 0) return words.composer.noPrompt;
  if (draft.kind === "video" && length < SHORTEST_FILM) return words.composer.tooShort;
  if (length > limit) return words.composer.tooLong(length - limit);
  return undefined;
}

export function useSend(userId: string) {
  const makePicture = useMutation(api.generations.createGenerationJob);
  const makeFilm = useMutation(api.videos.createVideo);
  const me = useMe();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<SendFault>();
  const under = useRef(false);

  const request = async (draft: Draft, plan: Plan) => {
    if (plan.film) {
      await makeFilm(filmRequest(draft, plan));
      return (me?.credits ?? 0) - plan.price;
    }
    return (await makePicture(pictureRequest(draft, plan))).creditsRemaining;
  };

  /* True if it was sent. */
  const send = async (draft: Draft, plan: Plan): Promise<boolean> => {
    const wrong = promptFault(draft, plan.promptLimit);
    if (wrong) {
      setFault({ at: "prompt", text: wrong });
      document.getElementById("prompt")?.focus();
      return false;
    }
    if (needsPicture(plan.model) && !plan.start) {
      setFault({ at: "start", text: words.start.needed(plan.model.name) });
      document.getElementById("start")?.focus();
      return false;
    }
    if (under.current) return false;
    under.current = true;
    setBusy(true);
    setFault(undefined);
    try {
      const remaining = await request(draft, plan);
      rememberPrompt(userId, draft.prompt.trim());
      reply(words.spoken.sent(plan.price, Math.max(0, remaining)));
      return true;
    } catch (thrown) {
      const data = dataOf(thrown);
      const full = data.code === "QUOTA" && me ? words.fault.full(me.storageQuotaBytes) : undefined;
      setFault({ at: "pay", text: data.message ?? full ?? messageOf(thrown) });
      return false;
    } finally {
      under.current = false;
      setBusy(false);
    }
  };
  return { busy, fault, send, forget: () => setFault(undefined) };
}
