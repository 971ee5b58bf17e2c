/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as rows: what was asked for, by whom, how it stands and why, and what it costs. */
import { useNow } from "../app/live";
import { cut, moment, number } from "../format";
import type { AnyJob } from "./live";
import { dollars } from "./money";
import { State } from "./State";
import { Table, type Column } from "./Table";
import { adminWords } from "./words";

const j = adminWords.jobs;
const PROMPT = 72;
const CAUSE = 80;

function Stands({ job }: { job: AnyJob }) {
  const why = job.status === "failed" ? (job.cause ?? job.error) : undefined;
  return <><State job={job} />{why && <span className="why">{cut(why, CAUSE)}</span>}</>;
}

const columnsAt = (now: number): Column<AnyJob>[] => [
  { name: j.prompt, cell: (job) => <span className="words">{cut(job.prompt, PROMPT)}</span> },
  { name: j.state, cell: (job) => <Stands job={job} />, small: "under" },
  { name: j.whose, cell: (job) => job.email || adminWords.unknown },
  { name: j.model, cell: (job) => job.model },
  { name: j.asked, cell: (job) => moment(job.createdAt, now) },
  { name: j.credits, cell: (job) => number(job.creditsHeld || job.creditsUsed), right: true, small: "figure" },
  { name: j.cost, cell: (job) => (job.costMicros > 0 ? dollars(job.costMicros) : ""), right: true },
];

export function JobTable({ jobs, caption }: { jobs: AnyJob[]; caption: string }) {
  const now = useNow(60_000);
  return <Table caption={caption} columns={columnsAt(now)} rows={jobs} keyOf={(job) => job.jobId} hrefOf={(job) => `/admin/jobs/${job.jobId}`} />;
}
