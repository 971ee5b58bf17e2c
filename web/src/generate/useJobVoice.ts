/* SPDX-License-Identifier: Apache-2.0 */
/* Says aloud what changes in the stream; bars stay silent, only turning points are spoken. What ended
   out of sight is also shown, on whatever page. */
import { useEffect, useRef } from "react";
import { toast } from "../app/toast";
import { say, shout } from "../app/voice";
import { cut } from "../format";
import { costOf, isFilm, type Job } from "../types";
import { words } from "../words";
import { frameCount, reasonOf } from "./jobState";

const quarter = (job: Job) => Math.floor((job.progress ?? 0) * 4);

function alive(job: Job, before: Job) {
  const s = words.spoken;
  const done = job.imageIds.length;
  if (job.status === "pending") {
    if (job.queuePosition === 1 && before.queuePosition !== 1) say(s.nextInLine, job._id);
  } else if (done > before.imageIds.length && frameCount(job) > 1) say(s.someDone(done, frameCount(job)), job._id);
  else if (quarter(job) > quarter(before) && quarter(job) < 4) say(s.percent(quarter(job) * 25), job._id);
}

const PROMPT_SHOWN = 60;

/* Who has the card before their eyes needs no news of it. */
function isInView(job: Job): boolean {
  const card = document.getElementById(`job-${job._id}`)?.closest("article")?.getBoundingClientRect();
  return card !== undefined && !document.hidden && card.bottom > 0 && card.top < innerHeight;
}

function show(job: Job) {
  const s = words.spoken;
  const isDone = job.status === "completed";
  if (isInView(job) || (!isDone && job.status !== "failed")) return;
  const work = job.imageIds[0];
  toast({
    id: job._id, prompt: cut(job.prompt, PROMPT_SHOWN),
    text: isDone ? s.done(job.imageIds.length || 1, isFilm(job), costOf(job)) : s.notMade(reasonOf(job), job.creditsRefunded),
    act: isDone && work ? { name: words.toast.look, href: `/library/${work}` } : { name: words.toast.again, href: "/generate" },
  });
}

function speak(job: Job, before: Job) {
  const s = words.spoken;
  if (job.status === before.status || (job.status !== "completed" && job.status !== "failed" && job.status !== "canceled")) {
    alive(job, before);
  } else if (job.status === "completed") say(s.done(job.imageIds.length || 1, isFilm(job), costOf(job)), job._id);
  else if (job.status === "failed") shout(s.notMade(reasonOf(job), job.creditsRefunded));
  else say(s.cancelled(job.creditsRefunded), job._id);
  if (job.status !== before.status) show(job);
}

/* A job can be over before it was ever seen. */
const begun = (job: Job): Job => ({ ...job, status: "pending", progress: 0, imageIds: [] });

export function useJobVoice(jobs: Job[] | undefined) {
  const known = useRef<Map<string, Job>>(undefined);
  useEffect(() => {
    if (!jobs) return;
    for (const job of known.current ? jobs : []) {
      const before = known.current?.get(job._id) ?? begun(job);
      if (before !== job) speak(job, before);
    }
    known.current = new Map(jobs.map((job) => [job._id, job]));
  }, [jobs]);
}
