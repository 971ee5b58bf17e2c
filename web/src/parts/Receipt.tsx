/* SPDX-License-Identifier: Apache-2.0 */
/* What a work cost and why: quoted, held, each attempt, charged or given back, and when. The same
   wherever it is opened. Administrators also see the provider's number and what it cost us. */
import * as Dialog from "@radix-ui/react-dialog";
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { useState } from "react";
import { useModels } from "../app/live";
import { useReturnFocus } from "../app/returnFocus";
import { micros } from "../billing/money";
import { words } from "../billing/words";
import { api } from "../convex/_generated/api";
import { exactTime, moment, number, took } from "../format";
import type { JobId } from "../types";
import { credits, words as common } from "../words";
import { Button } from "./Button";
import { CloseIcon } from "./icons";
import { Words } from "./Words";

type Told = NonNullable<FunctionReturnType<typeof api.credits.explainCharge>>;
type Attempt = Told["attempts"][number];
type Movement = Told["movements"][number];

const signed = (amount: number) => (amount > 0 ? `+${number(amount)}` : number(amount).replace("-", "−"));

/* The ledger's own lines; what came back says for what. */
function nameOf(line: Movement, told: Told): string {
  const r = words.receipt;
  if (line.type === "USAGE") return r.taken;
  const missing = told.askedFor - told.made;
  if (line.type === "REFUND") return missing > 0 && told.made > 0 ? r.backFor(missing, told.askedFor) : r.back;
  return line.description;
}

function Sums({ told }: { told: Told }) {
  const r = words.receipt;
  const held = told.creditState === "held";
  return (
    <dl className="receipt">
      <div><dt>{r.quoted(told.askedFor, told.price)}</dt><dd>{number(told.quote)}</dd></div>
      {told.movements.map((line) => (
        <div key={`${line.at}${line.type}`}>
          <dt>{nameOf(line, told)} <span className="quiet">{exactTime(line.at)}</span></dt><dd>{signed(line.amount)}</dd>
        </div>
      ))}
      <div className="total">
        <dt>{held ? r.held : r.cost}</dt>
        <dd className={held ? "lit" : undefined}>{credits(held ? told.held : told.charged)}</dd>
      </div>
    </dl>
  );
}

function sentenceOf(attempt: Attempt, model: string): string {
  const say = words.receipt.attempt;
  const time = attempt.endedAt === undefined ? "" : words.receipt.after(took(Math.max(0.1, (attempt.endedAt - attempt.startedAt) / 1000)));
  return say[attempt.state](model, time);
}

/* Only administrators are told any of this. */
function Inside({ attempt }: { attempt: Attempt }) {
  const r = words.receipt;
  const cost = attempt.costMicros === undefined ? undefined : `${micros(attempt.costMicros)}, ${attempt.costIsTold ? r.told : r.listed}`;
  const facts: [string, string | undefined][] = [
    [r.provider, attempt.provider], [r.providerJob, attempt.providerJob], [r.ours, cost], [r.cause, attempt.cause],
  ];
  if (attempt.costIsTold === undefined) return null;
  return <dl className="meta">{facts.map(([name, value]) => value && <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

function endOf(told: Told): string | undefined {
  const r = words.receipt;
  if (told.status === "completed") return r.completed(told.made, told.askedFor);
  /* The last attempt has said why already. */
  if (told.status === "failed") return told.error !== undefined && told.error !== told.attempts.at(-1)?.error ? told.error : r.failed;
  return told.status === "canceled" ? r.canceled(told.made) : undefined;
}

function Steps({ told, isFilm }: { told: Told; isFilm: boolean }) {
  const r = words.receipt;
  const models = useModels();
  const called = (id: string) => models?.find((model) => model.modelId === id)?.name ?? id;
  const end = endOf(told);
  const waits = told.status === "pending" && told.attempts.length === 0;
  return (
    <section className="steps-told">
      <h3>{r.steps}</h3>
      <ol>
        <li><time>{exactTime(told.createdAt)}</time><div>{r.askedFor(words.what(isFilm, told.askedFor), called(told.model))}</div></li>
        {waits && <li><time /><div>{r.waits}</div></li>}
        {told.attempts.length === 0 && told.startedAt !== undefined && <li><time>{exactTime(told.startedAt)}</time><div>{r.begun}</div></li>}
        {told.attempts.map((attempt) => (
          <li key={attempt.number}>
            <time>{exactTime(attempt.startedAt)}</time>
            <div>{sentenceOf(attempt, called(attempt.model))}{attempt.error && <> {attempt.error}</>}<Inside attempt={attempt} /></div>
          </li>
        ))}
        {end && <li><time>{told.completedAt === undefined ? "" : exactTime(told.completedAt)}</time><div>{end}</div></li>}
      </ol>
    </section>
  );
}

function Body({ jobId, told }: { jobId: JobId; told: Told }) {
  const r = words.receipt;
  const [copied, setCopied] = useState(false);
  const job = useQuery(api.generations.getGenerationJob, { jobId });
  const copy = () => void navigator.clipboard?.writeText(jobId).then(() => setCopied(true));
  return (
    <>
      {job && <Words text={job.prompt} />}
      <Sums told={told} />
      <Steps told={told} isFilm={job?.kind === "video"} />
      <dl className="meta"><dt>{r.number}</dt><dd className="code">{jobId}</dd></dl>
      <div><Button onClick={copy}>{copied ? r.copied : r.copy}</Button></div>
    </>
  );
}

export default function Receipt({ jobId, onClose }: { jobId: JobId; onClose: () => void }) {
  const told = useQuery(api.credits.explainCharge, { generationId: jobId });
  const returnFocus = useReturnFocus();
  return (
    <Dialog.Root open onOpenChange={onClose}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog" onCloseAutoFocus={returnFocus} aria-describedby={undefined}>
          <div className="rowline">
            <Dialog.Title>{words.receipt.title} {told && <small className="quiet">{moment(told.createdAt, Date.now())}</small>}</Dialog.Title>
            <Dialog.Close className="closer" aria-label={common.close}><CloseIcon /></Dialog.Close>
          </div>
          {told === null && <p className="quiet">{words.receipt.missing}</p>}
          {told && <Body jobId={jobId} told={told} />}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
