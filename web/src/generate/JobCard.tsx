/* SPDX-License-Identifier: Apache-2.0 */
/* One job in the stream: a person's words, how it stands, what can be done, and its frames. */
import * as Tooltip from "@radix-ui/react-tooltip";
import { useMutation } from "convex/react";
import { lazy, memo, Suspense, useLayoutEffect, useRef, useState } from "react";
import { messageOf } from "../app/faults";
import { isOffline, useNow } from "../app/live";
import { api } from "../convex/_generated/api";
import { timeOfDay } from "../format";
import { Button } from "../parts/Button";
import { TickIcon } from "../parts/icons";
import { Words } from "../parts/Words";
import { costOf, isAlive, quotedFor, isFilm, type Job, type Model } from "../types";
import { credits, words } from "../words";
import { Frames } from "./Frames";
import { comesBack, frameCount, reasonOf, timeWords, tookSeconds } from "./jobState";

const Receipt = lazy(() => import("../parts/Receipt"));

interface Props {
  job: Job;
  model?: Model;
  onUseAgain: (job: Job) => void;
  onTryAgain: (job: Job) => Promise<void>;
}

const dots = (...parts: (string | undefined)[]) => parts.filter(Boolean).join(" · ");

function Alive({ job, model }: { job: Job; model?: Model }) {
  const now = useNow(1000);
  const s = words.stream;
  const facts = dots(model?.name ?? job.model, s.held(quotedFor(job)));
  if (job.status === "pending") {
    const wait = job.estimatedSeconds === undefined ? undefined : s.begins(job.estimatedSeconds);
    return (
      <p className="state">
        <span className="lamp off" /><span>{s.inLine(job.queuePosition)}</span>{wait && <span>{wait}</span>}<span className="quiet">{facts}</span>
      </p>
    );
  }
  const frames = frameCount(job);
  const state = job.status === "uploading" ? s.saving : frames > 1 ? s.someDone(job.imageIds.length, frames) : s.developing;
  const time = job.status === "uploading" ? undefined : timeWords(job, model, now);
  return (
    <p className="state">
      <span className="lamp" /><span className="lit">{state}</span>{time && <span>{time}</span>}<span className="quiet">{facts}</span>
    </p>
  );
}

function Ended({ job, model }: { job: Job; model?: Model }) {
  const s = words.stream;
  const cost = costOf(job) > 0 || job.status === "completed" ? credits(costOf(job)) : undefined;
  const facts = dots(model?.name ?? job.model, cost, timeOfDay(job.completedAt ?? job.createdAt));
  const made = job.imageIds.length;
  const missing = frameCount(job) - made;
  if (job.status === "completed") {
    return (
      <p className="state">
        <TickIcon /><span>{s.done(tookSeconds(job))}</span>
        {missing > 0 && job.creditsRefunded > 0 && <span>{s.partly(made, frameCount(job), job.creditsRefunded)}</span>}
        <span className="quiet">{facts}</span>
      </p>
    );
  }
  if (job.status === "failed") {
    return (
      <p className="state"><span className="alarm">{s.notMade}. {reasonOf(job)}</span><span>{s.returned(job.creditsRefunded)}</span></p>
    );
  }
  return (
    <p className="state">
      <span>{s.cancelled}. {s.returned(job.creditsRefunded)}</span>
      {made > 0 && <span>{s.kept(made, isFilm(job))}</span>}<span className="quiet">{facts}</span>
    </p>
  );
}

function Cancel({ job, onFault }: { job: Job; onFault: (text?: string) => void }) {
  const cancel = useMutation(api.generations.cancelGenerationJob);
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    onFault(undefined);
    try {
      await cancel({ jobId: job._id });
    } catch (fault) {
      onFault(messageOf(fault));
    }
    setBusy(false);
  };
  return (
    <Tooltip.Root delayDuration={300}>
      <Tooltip.Trigger asChild>
        <Button busy={busy} onClick={() => void press()}>{words.stream.cancel}</Button>
      </Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="tip" sideOffset={8} collisionPadding={12}>
          {words.stream.comeBack(comesBack(job), quotedFor(job))}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

function Acts({ job, onUseAgain, onTryAgain, onFault }: Props & { onFault: (text?: string) => void }) {
  const [receipt, setReceipt] = useState(false);
  const [busy, setBusy] = useState(false);
  const s = words.stream;
  if (isAlive(job)) return <Cancel job={job} onFault={onFault} />;
  const bill = (
    <>
      <button type="button" className="word small" onClick={() => setReceipt(true)}>{s.receipt}</button>
      {receipt && <Suspense><Receipt jobId={job._id} onClose={() => setReceipt(false)} /></Suspense>}
    </>
  );
  if (job.imageIds.length === 0) {
    const again = async () => {
      if (isOffline()) return onFault(words.composer.offline);
      setBusy(true);
      onFault(undefined);
      await onTryAgain(job).catch((fault: unknown) => onFault(messageOf(fault)));
      setBusy(false);
    };
    return (
      <span className="wordlist">
        {bill}
        <Button busy={busy} onClick={() => void again()}>{s.again} <span className="num quiet">{credits(quotedFor(job))}</span></Button>
      </span>
    );
  }
  return (
    <span className="wordlist small">
      <button type="button" className="word" onClick={() => onUseAgain(job)}>{s.useAgain}</button>
      {bill}
    </span>
  );
}

/* The button in use goes when the job ends. The focus stays with the card, and does not slip to the
   next button, which may cost. */
function useFocusKept(alive: boolean) {
  const card = useRef<HTMLElement>(null);
  const held = card.current?.querySelector(".acts")?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    if (held && !card.current?.contains(document.activeElement)) card.current?.focus({ preventScroll: true });
  }, [alive]);
  return card;
}

/* Every change of one job brings the whole list anew; only the card that changed is drawn again. */
const alike = (one: Props, other: Props) =>
  one.model === other.model && one.onUseAgain === other.onUseAgain && one.onTryAgain === other.onTryAgain &&
  JSON.stringify(one.job) === JSON.stringify(other.job);

export const JobCard = memo(function JobCard(props: Props) {
  const { job, model } = props;
  const [fault, setFault] = useState<string>();
  const empty = !isAlive(job) && job.imageIds.length === 0;
  const id = `job-${job._id}`;
  const card = useFocusKept(isAlive(job));
  return (
    <article ref={card} tabIndex={-1} className={empty ? "job empty-job" : "job"} aria-labelledby={id}>
      <header>
        <Words id={id} text={job.prompt} />
        <div className="acts"><Acts {...props} onFault={setFault} /></div>
        {isAlive(job) ? <Alive job={job} model={model} /> : <Ended job={job} model={model} />}
        {fault && <p className="wrong" role="alert">{fault}</p>}
      </header>
      {!empty && <Frames job={job} />}
    </article>
  );
}, alike);
