/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked for, newest first, by day. Somebody who reads further down is told, not moved. */
import * as Radio from "@radix-ui/react-radio-group";
import { Fragment, useEffect, useRef, useState } from "react";
import { useNow } from "../app/live";
import { navigate, usePlace, withQuery } from "../app/router";
import { dayKey, dayName } from "../format";
import { isAlive, type Job, type Model } from "../types";
import { words } from "../words";
import { Button } from "../parts/Button";
import { JobCard } from "./JobCard";

interface Props {
  jobs: Job[];
  models: Model[];
  onUseAgain: (job: Job) => void;
  onTryAgain: (job: Job) => Promise<void>;
}

type Show = "all" | "running" | "failed";

const fits: Record<Show, (job: Job) => boolean> = {
  all: () => true,
  running: isAlive,
  failed: (job) => job.status === "failed",
};

function Filter({ show }: { show: Show }) {
  const s = words.stream;
  const choose = (value: string) => navigate(withQuery("show", value === "all" ? undefined : value), { replace: true, stay: true });
  return (
    <Radio.Root className="wordlist push" aria-label={s.show} orientation="horizontal" value={show} onValueChange={choose}>
      <Radio.Item className="word" value="all">{s.all}</Radio.Item>
      <Radio.Item className="word" value="running">{s.running}</Radio.Item>
      <Radio.Item className="word" value="failed">{s.failed}</Radio.Item>
    </Radio.Root>
  );
}

/* How many jobs arrived above while the page was scrolled down. */
function useAbove(jobs: Job[]): number {
  const [above, setAbove] = useState(0);
  const newest = useRef(jobs[0]?.createdAt ?? 0);
  useEffect(() => {
    const fresh = jobs.filter((job) => job.createdAt > newest.current).length;
    newest.current = Math.max(newest.current, jobs[0]?.createdAt ?? 0);
    if (fresh > 0 && scrollY > 200) setAbove((count) => count + fresh);
  }, [jobs]);
  useEffect(() => {
    const settle = () => scrollY < 80 && setAbove(0);
    addEventListener("scroll", settle, { passive: true });
    return () => removeEventListener("scroll", settle);
  }, []);
  return above;
}

function Nothing({ show }: { show: Show }) {
  const s = words.stream;
  if (show !== "all") return <p className="quiet">{show === "running" ? s.emptyRunning : s.emptyFailed}</p>;
  return (
    <div className="empty">
      <p className="words">{s.empty}</p>
      <Button onClick={() => document.getElementById("prompt")?.focus()}>{s.emptyAct}</Button>
    </div>
  );
}

export function Stream({ jobs, models, onUseAgain, onTryAgain }: Props) {
  const { query } = usePlace();
  const wanted = query.get("show");
  const show: Show = wanted === "running" || wanted === "failed" ? wanted : "all";
  const now = useNow(60_000);
  const above = useAbove(jobs);
  const shown = jobs.filter(fits[show]);
  return (
    <section className="stream" aria-label={words.stream.label}>
      <div className="streamhead"><h2>{dayName(shown[0]?.createdAt ?? now, now)}</h2><Filter show={show} /></div>
      {above > 0 && (
        <button type="button" className="button above" onClick={() => scrollTo({ top: 0 })}>{words.stream.above(above)}</button>
      )}
      {shown.length === 0 && <Nothing show={show} />}
      {shown.map((job, index) => {
        const before = shown[index - 1];
        const newDay = before && dayKey(before.createdAt) !== dayKey(job.createdAt);
        return (
          <Fragment key={job._id}>
            {newDay && <h2>{dayName(job.createdAt, now)}</h2>}
            <JobCard job={job} model={models.find((model) => model.modelId === job.model)} onUseAgain={onUseAgain} onTryAgain={onTryAgain} />
          </Fragment>
        );
      })}
    </section>
  );
}
