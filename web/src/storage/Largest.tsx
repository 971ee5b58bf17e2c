/* SPDX-License-Identifier: Apache-2.0 */
/* Works by size, to pick and delete. Shift picks from the last one picked to here. */
import { usePaginatedQuery } from "convex/react";
import { lazy, Suspense, useRef, useState } from "react";
import { Link } from "../app/router";
import { cut, moment, size } from "../format";
import { Button } from "../parts/Button";
import { Picture } from "../parts/Picture";
import { worksByPage, type Asset } from "../types";
import { words } from "./words";

const DeleteDialog = lazy(() => import("../library/DeleteDialog"));

const PAGE = 50;
const AT_ONCE = 200;
const NAME_MAX = 90;

const nameOf = (asset: Asset) => cut(asset.prompt || asset.title || words.untitled, NAME_MAX);

/* What is picked, by id: rows may move and go while somebody picks. */
function usePicks(works: readonly Asset[]) {
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string>(undefined);
  const toggle = (id: string, range: boolean) => {
    const to = works.findIndex((work) => work._id === id);
    const from = range ? works.findIndex((work) => work._id === last.current) : to;
    const span = works.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1);
    const next = new Set(picked);
    const on = !picked.has(id);
    for (const work of span) if (on) next.add(work._id); else next.delete(work._id);
    last.current = id;
    setPicked(next);
  };
  const all = works.filter((work) => picked.has(work._id));
  return { all, has: (id: string) => picked.has(id), toggle, set: (list: readonly Asset[]) => setPicked(new Set(list.map((work) => work._id))) };
}

function Row({ work, now, picked, onPick }: { work: Asset; now: number; picked: boolean; onPick: (range: boolean) => void }) {
  const name = nameOf(work);
  return (
    <li data-picked={picked || undefined}>
      <label className="tick"><input type="checkbox" aria-label={words.pick(name)} checked={picked} onChange={(event) => onPick((event.nativeEvent as MouseEvent).shiftKey)} /></label>
      <Link className="largest-work" href={`/library/${work._id}`}>
        <span className="print largest-print"><Picture asset={work} alt="" sizes="64px" /></span>
        <span className="largest-text">
          <span className={work.prompt ? "words clamp" : "clamp"}>{name}</span>
          <span className="facts">{words.kind[work.type]}, {moment(work.createdAt, now)}</span>
        </span>
      </Link>
      <span className="num">{size(work.sizeBytes)}</span>
    </li>
  );
}

export function Largest() {
  const { results, status, loadMore } = usePaginatedQuery(worksByPage, { sort: "size" as const }, { initialNumItems: PAGE });
  const picks = usePicks(results);
  const [asking, setAsking] = useState(false);
  const now = Date.now();
  const bytes = picks.all.reduce((sum, work) => sum + work.sizeBytes, 0);
  if (results.length === 0) return status === "Exhausted" ? <p className="words">{words.empty}</p> : null;
  const done = (gone: boolean) => {
    setAsking(false);
    if (gone) picks.set([]);
  };
  const whole = picks.all.length === Math.min(results.length, AT_ONCE);
  return (
    <section className="largest" aria-labelledby="largest">
      <div className="rowline">
        <h2 id="largest">{words.largest}</h2>
        {picks.all.length > 0 ? (
          <span className="wordlist">
            <span className="num">{words.picked(picks.all.length, bytes)}</span>
            <button type="button" className="word" onClick={() => picks.set([])}>{words.clear}</button>
            <Button onClick={() => setAsking(true)}>{words.remove}</Button>
          </span>
        ) : <span className="facts">{words.largestHelp}</span>}
      </div>
      <label className="tick all"><input type="checkbox" checked={whole} onChange={() => picks.set(whole ? [] : results.slice(0, AT_ONCE))} />{words.pickAll}</label>
      <ul>{results.map((work) => <Row key={work._id} work={work} now={now} picked={picks.has(work._id)} onPick={(range) => picks.toggle(work._id, range)} />)}</ul>
      {status === "CanLoadMore" && <div><Button onClick={() => loadMore(PAGE)}>{words.more}</Button></div>}
      <Suspense>{asking && <DeleteDialog works={picks.all.slice(0, AT_ONCE)} onDone={done} />}</Suspense>
    </section>
  );
}
