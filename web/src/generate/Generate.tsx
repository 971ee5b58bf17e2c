/* SPDX-License-Identifier: Apache-2.0 */
/* /generate: the composer and the stream. ?from= brings a work's settings back, ?start= starts
   from a picture, ?model= preselects. */
import * as Tooltip from "@radix-ui/react-tooltip";
import { useMutation, useQuery } from "convex/react";
import { useCallback, useEffect, useRef } from "react";
import { useJobs, useMe, useModels, useWork } from "../app/live";
import { toPrompt } from "../app/keys";
import { navigate, usePlace, withQuery } from "../app/router";
import { api } from "../convex/_generated/api";
import type { AssetId, Job, Model, User } from "../types";
import { words } from "../words";
import { Composer } from "./Composer";
import { rememberPrompt, useDraft, type Change, type Draft } from "./draft";
import { filmAgain, pictureAgain, recall, recallEmbedded, startFrom } from "./plan";
import { Stream } from "./Stream";

function useRecallFromAddress(draft: Draft, change: Change, models: Model[], take: (part: Partial<Draft>) => void) {
  const { query } = usePlace();
  const from = query.get("from") as AssetId | null;
  const wanted = models.find((model) => model.modelId === query.get("model"));
  const work = useWork(from ?? undefined);
  const job = useQuery(api.generations.getGenerationJob, work?.generationId ? { jobId: work.generationId } : "skip");
  useEffect(() => {
    if (!wanted) return;
    const kind = wanted.modelType === "video" ? "video" : "image";
    change({ kind, models: { ...draft.models, [kind]: wanted.modelId } });
    navigate(withQuery("model", undefined), { replace: true, stay: true });
  }, [wanted]);
  const start = query.get("start") as AssetId | null;
  useEffect(() => {
    if (!start) return;
    change(startFrom(draft, models, start));
    navigate(withQuery("start", undefined), { replace: true, stay: true });
    document.getElementById("prompt")?.focus();
  }, [start]);
  useEffect(() => {
    if (!from || work === undefined || (work?.generationId && job === undefined)) return;
    if (job) take(recall(job, models, draft.models));
    else if (work?.embedded?.prompt && !work.prompt) take(recallEmbedded(work.embedded, models, draft.models));
    else if (work?.prompt) take({ prompt: work.prompt, kind: work.type === "video" ? "video" : "image" });
    navigate(withQuery("from", undefined), { replace: true, stay: true });
    document.getElementById("prompt")?.focus();
  }, [from, work, job]);
}

/* The same once more, with all that was chosen then. */
function useTryAgain(models: Model[]) {
  const makePicture = useMutation(api.generations.createGenerationJob);
  const makeFilm = useMutation(api.videos.createVideo);
  const offered = useRef(models);
  offered.current = models;
  return useCallback(
    async (job: Job) => {
      const model = offered.current.find((one) => one.modelId === job.model);
      if (job.kind === "video") await makeFilm(filmAgain(job, model));
      else await makePicture(pictureAgain(job, model));
    },
    [makePicture, makeFilm],
  );
}

function Bench({ me, models, jobs }: { me: User; models: Model[]; jobs: Job[] | undefined }) {
  const { draft, change } = useDraft(me._id);
  const latest = useRef(draft);
  latest.current = draft;
  /* What stood there and was never sent is not lost: Alt Up brings it back. */
  const take = useCallback(
    (part: Partial<Draft>) => {
      const own = latest.current.prompt.trim();
      if (own !== "" && own !== part.prompt) rememberPrompt(me._id, own);
      change(part);
    },
    [change, me._id],
  );
  useRecallFromAddress(draft, change, models, take);
  const tryAgain = useTryAgain(models);
  useEffect(() => {
    if (toPrompt.get()) document.getElementById("prompt")?.focus();
    toPrompt.set(false);
  }, []);
  const useAgain = useCallback(
    (job: Job) => {
      take(recall(job, models, latest.current.models));
      const prompt = document.getElementById("prompt");
      prompt?.focus();
      prompt?.scrollIntoView({ block: "nearest" });
    },
    [take, models],
  );
  const sent = () => scrollY < 200 && scrollTo({ top: 0 });
  return (
    <>
      <Composer me={me} models={models} draft={draft} change={change} onSent={sent} />
      {jobs ? <Stream jobs={jobs} models={models} onUseAgain={useAgain} onTryAgain={tryAgain} /> : <section className="stream" />}
    </>
  );
}

export default function Generate() {
  const me = useMe();
  const models = useModels();
  const jobs = useJobs();
  return (
    <Tooltip.Provider>
      <main id="main" className="bench" tabIndex={-1}>
        <h1 className="sr">{words.pages.generate}</h1>
        {me && models ? <Bench me={me} models={models} jobs={jobs} /> : <div className="composer" />}
      </main>
    </Tooltip.Provider>
  );
}
