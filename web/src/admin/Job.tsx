/* SPDX-License-Identifier: Apache-2.0 */
/* One job of anybody: whose, how it stands, each attempt with the provider's own number and cost, each
   movement of credits. It can be stopped from here. */
import { useMutation } from "convex/react";
import { useState } from "react";
import { useNow } from "../app/live";
import { Link } from "../app/router";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import { exactTime, moment, number, took } from "../format";
import { Button } from "../parts/Button";
import { Words } from "../parts/Words";
import { Ask } from "./Ask";
import { useOne, type AnyJob, type AnyJobId } from "./live";
import { dollars, signed } from "./money";
import { State } from "./State";
import { Table, type Column } from "./Table";
import { adminWords } from "./words";

const j = adminWords.job;
const useReceipt = (id: AnyJobId) => useOne(api.credits.explainCharge, { generationId: id });
type Receipt = NonNullable<ReturnType<typeof useReceipt>>;
type Attempt = Receipt["attempts"][number];
type Movement = Receipt["movements"][number];

const seconds = (from: number, to: number) => took(Math.max(0, to - from) / 1000);
const isAlive = (job: AnyJob) => job.status === "pending" || job.status === "processing" || job.status === "uploading";

function costOf(attempt: Attempt) {
  if (attempt.costMicros === undefined) return "";
  return <>{dollars(attempt.costMicros)}{attempt.costIsTold === false && attempt.costMicros > 0 && <span className="why">{j.estimate}</span>}</>;
}

const attemptColumns: Column<Attempt>[] = [
  { name: j.provider, cell: (attempt) => `${attempt.number}. ${attempt.provider}, ${attempt.model}` },
  {
    name: j.state, small: "under",
    cell: (attempt) => (
      <>
        <span className={attempt.state === "failed" || attempt.state === "orphaned" ? "alarm" : undefined}>{j.states[attempt.state]}</span>
        {(attempt.cause ?? attempt.error) && <span className="why">{attempt.cause ?? attempt.error}</span>}
      </>
    ),
  },
  { name: j.providerJob, cell: (attempt) => <span className="code">{attempt.providerJob ?? ""}</span> },
  { name: j.asked, cell: (attempt) => exactTime(attempt.startedAt) },
  { name: j.took, cell: (attempt) => (attempt.endedAt === undefined ? "" : seconds(attempt.startedAt, attempt.endedAt)), right: true },
  { name: j.cost, cell: costOf, right: true, small: "figure" },
];

const movementColumns: Column<Movement>[] = [
  { name: adminWords.user.what, cell: (movement) => movement.description },
  { name: adminWords.user.when, cell: (movement) => exactTime(movement.at), small: "under" },
  { name: adminWords.user.amount, cell: (movement) => signed(movement.amount), right: true, small: "figure" },
  { name: adminWords.user.after, cell: (movement) => number(movement.balanceAfter), right: true },
];

function Facts({ job }: { job: AnyJob }) {
  const now = useNow(60_000);
  return (
    <dl className="meta standing">
      <dt>{j.whose}</dt><dd><Link href={`/admin/users/${job.userId}`}>{job.email || adminWords.unknown}</Link></dd>
      <dt>{j.model}</dt><dd>{job.model}</dd>
      <dt>{j.provider}</dt><dd>{job.provider}</dd>
      {job.providerJob && <><dt>{j.providerJob}</dt><dd className="code">{job.providerJob}</dd></>}
      <dt>{j.asked}</dt><dd>{moment(job.createdAt, now)}</dd>
      {job.startedAt !== undefined && <><dt>{j.waited}</dt><dd>{seconds(job.createdAt, job.startedAt)}</dd></>}
      {job.completedAt !== undefined && <><dt>{j.took}</dt><dd>{seconds(job.startedAt ?? job.createdAt, job.completedAt)}</dd></>}
      <dt>{j.made}</dt><dd>{j.madeOf(job.made, job.numImages)}</dd>
      {isAlive(job) ? <><dt>{j.held}</dt><dd>{number(job.creditsHeld)}</dd></> : <><dt>{j.charged}</dt><dd>{number(job.creditsUsed)}</dd></>}
      {job.creditsRefunded > 0 && <><dt>{j.returned}</dt><dd>{number(job.creditsRefunded)}</dd></>}
      <dt>{j.cost}</dt><dd>{dollars(job.costMicros)}</dd>
      {job.error && <><dt>{j.told}</dt><dd>{job.error}</dd></>}
      {job.cause && <><dt>{j.cause}</dt><dd className="alarm">{job.cause}</dd></>}
      <dt>{j.number}</dt><dd className="code">{job.jobId}</dd>
    </dl>
  );
}

function Stop({ job }: { job: AnyJob }) {
  const cancel = useMutation(api.admin.cancelJob);
  const [asking, setAsking] = useState(false);
  const act = async () => {
    const { creditsReturned } = await cancel({ jobId: job.jobId });
    reply(j.said(creditsReturned));
  };
  return (
    <>
      {isAlive(job) && <div><Button onClick={() => setAsking(true)}>{j.stop}</Button></div>}
      {asking && (
        <Ask title={j.ask(job.email)} act={j.act} destroys onAct={act} onClose={() => setAsking(false)}>
          <p className="words clamp">{job.prompt}</p>
          <p>{j.text(job.creditsHeld)}</p>
        </Ask>
      )}
    </>
  );
}

function Attempts({ id }: { id: AnyJobId }) {
  const receipt = useReceipt(id);
  if (!receipt) return null;
  return (
    <>
      <section aria-labelledby="attempts">
        <h2 id="attempts">{j.attempts}</h2>
        {receipt.attempts.length === 0 && <p className="quiet">{j.noAttempts}</p>}
        {receipt.attempts.length > 0 && <Table caption={j.attempts} columns={attemptColumns} rows={receipt.attempts} keyOf={(attempt) => String(attempt.number)} />}
      </section>
      <section aria-labelledby="movements">
        <h2 id="movements">{j.movements}</h2>
        <Table caption={j.movements} columns={movementColumns} rows={receipt.movements} keyOf={(movement) => `${movement.at} ${movement.type} ${movement.balanceAfter}`} />
      </section>
    </>
  );
}

export function Job({ id }: { id: string }) {
  const job = useOne(api.admin.getJob, { jobId: id as AnyJobId });
  if (job === undefined) return null;
  if (job === null) {
    return (
      <div className="empty">
        <p className="words">{j.missing}</p>
        <Link className="button" href="/admin/jobs">{adminWords.back(adminWords.places.jobs)}</Link>
      </div>
    );
  }
  return (
    <div className="one">
      <section className="who-head" aria-label={j.number}>
        <Words text={job.prompt} />
        <p><State job={job} /></p>
        <Facts job={job} />
        <Stop job={job} />
      </section>
      <Attempts id={job.jobId} />
    </div>
  );
}
