/* SPDX-License-Identifier: Apache-2.0 */
/* The files that are coming in, one row each, above the library. */
import { useEffect, useRef, useState } from "react";
import { useNow } from "../app/live";
import { Link } from "../app/router";
import { useStore } from "../app/store";
import { reply, say } from "../app/voice";
import { Preview } from "./Preview";
import { isAlive, uploadPause, uploadRemove, uploadResume, uploads, uploadsClear, type Upload } from "./queue";
import { words } from "./words";

const SOON = 2000;
/* Three rows where there is room for three beside one another. */
const SHOWN = 9;

const percent = (upload: Upload) => Math.floor((upload.sent / Math.max(1, upload.file.size)) * 100);

/* From what went over the line since it last began. */
function secondsLeft(upload: Upload, now: number): number | undefined {
  const took = now - upload.since;
  const sent = upload.sent - upload.sentBefore;
  return took < SOON || sent <= 0 ? undefined : ((upload.file.size - upload.sent) * took) / sent / 1000;
}

function stateOf(upload: Upload, now: number): string {
  if (upload.phase === "sending" && upload.stalled) return words.stalled(upload.sent, upload.file.size);
  if (upload.phase === "sending") {
    const seconds = secondsLeft(upload, now);
    return [words.part(upload.sent, upload.file.size), seconds === undefined ? "" : words.about(seconds)].filter(Boolean).join(", ");
  }
  if (upload.phase === "waiting" && upload.until !== undefined && upload.until > now) return words.limited((upload.until - now) / 1000);
  if (upload.phase === "paused") return `${words.paused}, ${words.part(upload.sent, upload.file.size)}`;
  return words[upload.phase];
}

function Acts({ upload }: { upload: Upload }) {
  const { id, phase, file } = upload;
  const act = (name: string, run: () => void) => (
    <button key={name} type="button" className="word" aria-label={words.of(name, file.name)} onClick={run}>{name}</button>
  );
  if (phase === "done") return upload.assetId ? <Link className="word" href={`/library/${upload.assetId}`} aria-label={words.of(words.see, file.name)}>{words.see}</Link> : null;
  return (
    <>
      {(phase === "sending" || phase === "waiting") && act(words.pause, () => uploadPause(id))}
      {phase === "paused" && act(words.resume, () => uploadResume(id))}
      {phase === "failed" && !upload.hopeless && act(words.retry, () => uploadResume(id))}
      {phase === "failed" && upload.full && <Link className="word" href="/storage">{words.makeRoom}</Link>}
      {phase === "failed" && upload.full && <Link className="word" href="/billing#plans">{words.larger}</Link>}
      {phase !== "landing" && act(words.remove, () => uploadRemove(id))}
    </>
  );
}

function Progress({ upload }: { upload: Upload }) {
  const { file, sent } = upload;
  return (
    <span
      className="hair" role="progressbar" aria-label={file.name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent(upload)}
      aria-valuetext={words.progress(file.name, percent(upload))}
    >
      <i style={{ transform: `scaleX(${sent / Math.max(1, file.size)})` }} />
    </span>
  );
}

function Row({ upload }: { upload: Upload }) {
  const now = useNow(1000, upload.phase === "sending" || upload.until !== undefined);
  const failed = upload.phase === "failed";
  return (
    <li className="incoming" data-phase={upload.phase}>
      <Preview upload={upload} />
      <div className="incoming-text">
        <span className="incoming-name">{upload.file.name}</span>
        <span className="facts" data-state>{failed && <b className="alarm">{words.failed}. </b>}{failed ? upload.fault : stateOf(upload, now)}</span>
        {(isAlive(upload) || upload.phase === "paused") && <Progress upload={upload} />}
        <span className="incoming-acts"><Acts upload={upload} /></span>
      </div>
    </li>
  );
}

/* Says once how many have arrived, and names each that did not. */
function useVoice(all: readonly Upload[]) {
  const told = useRef(new Set<number>());
  const busy = all.some(isAlive);
  useEffect(() => {
    const fresh = all.filter((upload) => !told.current.has(upload.id));
    for (const upload of fresh.filter((one) => one.phase === "failed")) {
      told.current.add(upload.id);
      say(words.saidFailed(upload.file.name), `upload ${upload.id}`);
    }
    const done = fresh.filter((one) => one.phase === "done");
    if (busy || done.length === 0) return;
    done.forEach((upload) => told.current.add(upload.id));
    reply(words.said(done.length));
  }, [all, busy]);
}

/* What wants somebody first, then what moves; of many only some, so that the library stays in view. */
function shownOf(all: readonly Upload[]): readonly Upload[] {
  if (all.length <= SHOWN) return all;
  const rank = (upload: Upload) => ["failed", "sending", "landing", "paused", "waiting", "done"].indexOf(upload.phase);
  const first = [...all].sort((a, b) => rank(a) - rank(b)).slice(0, SHOWN);
  return all.filter((upload) => first.includes(upload));
}

export function Incoming() {
  const all = useStore(uploads);
  const [whole, setWhole] = useState(false);
  useVoice(all);
  if (all.length === 0) return null;
  const going = all.filter((upload) => upload.phase === "sending" || upload.phase === "waiting");
  const paused = all.filter((upload) => upload.phase === "paused");
  const failed = all.some((upload) => upload.phase === "failed");
  const shown = whole ? all : shownOf(all);
  return (
    <section className="arrivals" aria-label={words.label}>
      <div className="rowline">
        <h2>{words.label}</h2>
        <span className="wordlist">
          {going.length > 1 && <button type="button" className="word" onClick={() => going.forEach((upload) => uploadPause(upload.id))}>{words.pauseAll}</button>}
          {paused.length > 1 && <button type="button" className="word" onClick={() => paused.forEach((upload) => uploadResume(upload.id))}>{words.resumeAll}</button>}
          {failed && <button type="button" className="word" onClick={() => uploadsClear("failed")}>{words.clear}</button>}
        </span>
      </div>
      <ul>{shown.map((upload) => <Row key={upload.id} upload={upload} />)}</ul>
      {all.length > SHOWN && (
        <button type="button" className="word linked small" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? words.less : words.more(all.length - SHOWN)}
        </button>
      )}
    </section>
  );
}
