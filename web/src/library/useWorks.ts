/* SPDX-License-Identifier: Apache-2.0 */
/* The works near the screen, live. What was seen a moment ago stays subscribed or remembered, so that
   scrolling back shows it at once; while somebody flings past, nothing is asked for. The first ones are
   asked for together with where they stand, so that the first screen is drawn once, with its pictures;
   what lies beyond waits until that had its time. */
import { useQueries, useQuery, type RequestForQueries } from "convex/react";
import { useEffect, useMemo, useRef, useState } from "react";
import { api } from "../convex/_generated/api";
import type { Asset, AssetId, ShelfChoice, Spot } from "../types";
import { Chunks } from "./chunks";

const LIVE_CHUNKS = 12;
const REMEMBERED_CHUNKS = 60;
const SETTLED = 80;
/* More than a first screen shows. */
const FIRST = 48;
const FIRST_HAS = 300; /* ms */

interface Span {
  from: number;
  to: number;
}

/* The first span counts at once, a later one when it has stood for a moment. */
function useSettled({ from, to }: Span): Span {
  const [span, setSpan] = useState({ from, to });
  const waits = span.to > span.from;
  if (!waits && to > from) setSpan({ from, to });
  useEffect(() => {
    if (!waits) return;
    const timer = setTimeout(() => setSpan((now) => (now.from === from && now.to === to ? now : { from, to })), SETTLED);
    return () => clearTimeout(timer);
  }, [from, to, waits]);
  return span;
}

type Answers = Record<string, Asset[] | Error | undefined>;

/* What the answers said last, by work. */
class Seen {
  readonly works = new Map<AssetId, Asset>();
  private readonly answers = new Map<number, Asset[]>();

  take(chunks: Chunks, answers: Answers) {
    for (const [name, answer] of Object.entries(answers)) {
      const chunk = Number(name);
      if (answer === undefined || answer instanceof Error || this.answers.get(chunk) === answer) continue;
      chunks.ids[chunk]!.forEach((id) => this.works.delete(id));
      answer.forEach((work) => this.works.set(work._id, work));
      this.answers.delete(chunk);
      this.answers.set(chunk, answer);
    }
    for (const chunk of this.answers.keys()) {
      if (this.answers.size <= REMEMBERED_CHUNKS) break;
      if (chunk in answers) continue;
      this.answers.delete(chunk);
      chunks.ids[chunk]!.forEach((id) => this.works.delete(id));
    }
  }
}

export type WorkOf = (id: AssetId | undefined) => Asset | undefined;

/* The first works in this order; nothing of a search. Asked for until others are there. */
function useFirst({ searchTerm, ...shelf }: ShelfChoice, wanted: boolean): { first: ReadonlyMap<AssetId, Asset>; isComing: boolean } {
  const args = wanted && searchTerm === undefined ? { ...shelf, paginationOpts: { numItems: FIRST, cursor: null } } : "skip";
  const answer = useQuery(api.assets.getAssets, args);
  const last = useRef<ReadonlyMap<AssetId, Asset>>(new Map());
  const first = useMemo(() => (last.current = answer ? new Map(answer.page.map((work) => [work._id, work])) : last.current), [answer]);
  return { first, isComing: args !== "skip" && answer === undefined };
}

/* True once the first works have had their time. */
function useTimeGiven(hasAny: boolean): boolean {
  const [given, setGiven] = useState(false);
  useEffect(() => {
    if (given || !hasAny) return;
    const timer = setTimeout(() => setGiven(true), FIRST_HAS);
    return () => clearTimeout(timer);
  }, [given, hasAny]);
  return given;
}

/* Looks up works; another function whenever another answer came. goesOn: the first screen is served. */
export function useWorks(choice: ShelfChoice, spots: Spot[], range: Span): { workOf: WorkOf; hasAny: boolean; goesOn: boolean } {
  const { from, to } = useSettled(range);
  const [answered, setAnswered] = useState(false);
  const { first, isComing } = useFirst(choice, !answered);
  const given = useTimeGiven(first.size > 0 || answered);
  const waits = isComing || (!given && to > from && spots.slice(from, to).every((spot) => first.has(spot._id)));
  const chunks = useRef<Chunks>(null);
  const seen = useRef<Seen>(null);
  const live = useRef<number[]>([]);
  chunks.current ??= new Chunks();
  seen.current ??= new Seen();
  const wanted = useMemo(() => {
    if (waits) return {};
    const now = chunks.current!.covering(spots, from, to);
    live.current = [...live.current.filter((chunk) => !now.includes(chunk)), ...now].slice(-Math.max(LIVE_CHUNKS, now.length));
    const queries: RequestForQueries = {};
    for (const chunk of live.current) queries[chunk] = { query: api.assets.getMany, args: { assetIds: chunks.current!.ids[chunk]! } };
    return queries;
  }, [spots, from, to, waits]);
  const answers = useQueries(wanted) as Answers;
  const found = useMemo((): { workOf: WorkOf; hasAny: boolean; isAnswered: boolean } => {
    const { works } = seen.current!;
    seen.current!.take(chunks.current!, answers);
    return { workOf: (id) => id && (works.get(id) ?? first.get(id)), hasAny: works.size > 0 || first.size > 0, isAnswered: works.size > 0 };
  }, [answers, first]);
  if (found.isAnswered && !answered) setAnswered(true);
  return { workOf: found.workOf, hasAny: found.hasAny, goesOn: given };
}
