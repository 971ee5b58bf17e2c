/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said about a job: how far, how long still, what came back. */
import { quotedFor, type Job, type Model } from "../types";
import { words } from "../words";

const SURE = 0.08;
const MUCH = 5;

/* Words about time for a job under way, or none. */
export function timeWords(job: Job, model: Model | undefined, now: number): string | undefined {
  const since = job.startedAt ?? job.createdAt;
  const elapsed = Math.max(0, (now - since) / 1000);
  const usual = model?.typicalSeconds && model.typicalSeconds * (job.kind === "video" ? 1 : job.numImages);
  if (job.progress !== undefined && job.progress > SURE) {
    const left = (elapsed / job.progress) * (1 - job.progress);
    /* A job that was begun again has a past that says nothing about its future. */
    return usual && left > usual * MUCH ? words.stream.longer : words.stream.about(left);
  }
  if (!usual) return undefined;
  return elapsed > usual * 1.5 ? words.stream.longer : words.stream.usually(usual);
}

/* How far the frame at this place is: 1 done, undefined unknown, 0 not begun. */
export function frameProgress(job: Job, place: number): number | undefined {
  const done = job.imageIds.length;
  if (place < done) return 1;
  if (place > done || job.status === "pending") return 0;
  if (job.status === "uploading") return 1;
  if (job.progress === undefined) return undefined;
  const frames = job.kind === "video" ? 1 : job.numImages;
  return Math.min(1, Math.max(0, job.progress * frames - done));
}

export const frameCount = (job: Job) => (job.kind === "video" ? 1 : job.numImages);

/* What comes back if it is cancelled now: everything that is not finished. */
export function comesBack(job: Job): number {
  const frames = frameCount(job);
  return Math.round((quotedFor(job) / frames) * (frames - Math.min(frames, job.imageIds.length)));
}

export const tookSeconds = (job: Job) =>
  job.completedAt === undefined ? undefined : Math.max(0.1, (job.completedAt - (job.startedAt ?? job.createdAt)) / 1000);

/* A reason always ends as a sentence. */
export function reasonOf(job: Job): string {
  const reason = job.error?.trim() || words.stream.noReason;
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}
