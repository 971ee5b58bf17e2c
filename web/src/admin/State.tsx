/* SPDX-License-Identifier: Apache-2.0 */
/* How a job stands, in a word: amber while it lives, red where it broke. */
import type { AnyJob } from "./live";
import { adminWords } from "./words";

export function State({ job }: { job: AnyJob }) {
  const name = adminWords.jobs.stateOf(job.status);
  if (job.status === "processing" || job.status === "uploading") {
    const part = job.status === "processing" && job.progress ? ` ${adminWords.jobs.percent(job.progress)}` : "";
    return <span className="lit state-word"><span className="lamp" /> {name}{part}</span>;
  }
  if (job.status === "pending") return <span className="state-word"><span className="lamp off" /> {name}</span>;
  return <span className={job.status === "failed" ? "alarm" : undefined}>{name}</span>;
}
