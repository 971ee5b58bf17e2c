/* SPDX-License-Identifier: Apache-2.0 */
/* What is picked for an act on several. A range grows from where it was begun: Shift with an arrow or
   a click replaces the range, not what was picked before it. */
import { useCallback, useEffect, useRef, useState } from "react";
import { say } from "../app/voice";
import type { AssetId, Spot } from "../types";
import { words } from "./words";

const PAUSE = 500;

interface State {
  ids: ReadonlySet<AssetId>;
  /* What was picked before the range that is being drawn, and where that began. */
  before: ReadonlySet<AssetId>;
  anchor?: AssetId;
}

export interface Picks {
  ids: ReadonlySet<AssetId>;
  toggle: (index: number) => void;
  /* Everything from where the range began to here; it begins at `from` if it has not. */
  extend: (to: number, from?: number) => void;
  all: () => void;
  clear: () => void;
}

const none: State = { ids: new Set(), before: new Set() };

function between(spots: readonly Spot[], from: number, to: number): AssetId[] {
  return spots.slice(Math.min(from, to), Math.max(from, to) + 1).map((spot) => spot._id);
}

/* Works that are gone are picked no more. */
function without(state: State, indexOf: ReadonlyMap<AssetId, number>): State {
  const ids = [...state.ids].filter((id) => indexOf.has(id));
  return ids.length === state.ids.size ? state : { ...state, ids: new Set(ids), before: new Set(ids) };
}

function useCountTold(count: number) {
  const told = useRef(0);
  useEffect(() => {
    if (count === told.current) return;
    const timer = setTimeout(() => {
      told.current = count;
      say(words.picks.said(count), "picks");
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [count]);
}

export function usePicks(spots: readonly Spot[], indexOf: ReadonlyMap<AssetId, number>): Picks {
  const [kept, setState] = useState(none);
  const state = kept.ids.size > 0 ? without(kept, indexOf) : kept;
  if (state !== kept) setState(state);
  const latest = useRef({ spots, indexOf });
  latest.current = { spots, indexOf };
  useCountTold(state.ids.size);

  const toggle = useCallback((index: number) => {
    const id = latest.current.spots[index]?._id;
    if (id === undefined) return;
    setState(({ ids }) => {
      const next = new Set(ids);
      if (!next.delete(id)) next.add(id);
      return { ids: next, before: next, anchor: id };
    });
  }, []);
  const extend = useCallback((to: number, from?: number) => {
    setState((now) => {
      const { spots: all, indexOf: at } = latest.current;
      const anchor = now.anchor !== undefined && at.has(now.anchor) ? now.anchor : all[from ?? to]?._id;
      if (anchor === undefined) return now;
      return { ids: new Set([...now.before, ...between(all, at.get(anchor)!, to)]), before: now.before, anchor };
    });
  }, []);
  const all = useCallback(() => {
    const ids = new Set(latest.current.spots.map((spot) => spot._id));
    setState({ ids, before: ids });
  }, []);
  const clear = useCallback(() => setState(none), []);
  return { ids: state.ids, toggle, extend, all, clear };
}
