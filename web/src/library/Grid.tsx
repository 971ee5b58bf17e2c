/* SPDX-License-Identifier: Apache-2.0 */
/* The justified grid: one tab stop, arrow keys inside it, and only the rows near the screen exist. */
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { flushSync } from "react-dom";
import { letterKeys } from "../app/keys";
import { useNow } from "../app/live";
import { navigate } from "../app/router";
import { number } from "../format";
import type { AssetId, Spot } from "../types";
import { canUseAgain, useAgainAddress } from "./acts";
import { HEADING, layout, neighbour, rowsWithin, targetFor, type Layout, type Row, type Section } from "./justify";
import { keyOf, nameOfSection, type Sort } from "./order";
import { Scrubber } from "./Scrubber";
import type { Picks } from "./usePicks";
import { TileView, type TileActs } from "./Tile";
import { useOpenedSeen, usePlaceKept } from "./usePlaceKept";
import { useWindow } from "./useWindow";
import type { WorkOf } from "./useWorks";
import { words } from "./words";

const moves = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

interface Props {
  spots: Spot[];
  workOf: WorkOf;
  /* Works have come. */
  hasAny: boolean;
  sort: Sort;
  /* How many rows the whole set has is known only when everything is loaded. */
  complete: boolean;
  opened?: string;
  /* Where it stands; -1: nowhere yet. */
  openedAt: number;
  focus: number;
  picks: Picks;
  picking: boolean;
  addressOf: (id: AssetId) => string;
  onFocus: (index: number) => void;
  onLook: (index: number) => void;
  onDelete: (index: number) => void;
  onDownload: (index: number) => void;
  onMark: (index: number) => void;
  onRange: (from: number, to: number) => void;
  onNearEnd: () => void;
}

const SETTLES = 300;

/* First what is on the screen; what is around it once that has had its time, or somebody scrolls. */
function useWide(hasAny: boolean): boolean {
  const [wide, setWide] = useState(false);
  useEffect(() => {
    if (wide || !hasAny) return;
    const widen = () => setWide(true);
    const timer = setTimeout(widen, SETTLES);
    addEventListener("scroll", widen, { once: true, passive: true });
    return () => {
      clearTimeout(timer);
      removeEventListener("scroll", widen);
    };
  }, [wide, hasAny]);
  return wide;
}

/* Puts the focus on a tile. The row with the tab stop exists wherever it is, so the tile does, too. */
function focusTile(grid: HTMLElement | null, index: number, stopAt: (index: number) => void) {
  flushSync(() => stopAt(index));
  grid?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus();
}

/* Another width makes other rows, and a tile that moves to another row is a new element: the focus
   moves with the work. */
function useFocusKept(grid: RefObject<HTMLElement | null>, focus: number) {
  const held = grid.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    if (!held || grid.current?.contains(document.activeElement)) return;
    grid.current?.querySelector<HTMLElement>(`[data-index="${focus}"]`)?.focus({ preventScroll: true });
  });
}

interface RowProps {
  row: Row;
  top: number;
  spots: Spot[];
  workOf: WorkOf;
  opened?: string;
  /* The grid's tab stop, if it is in this row. */
  focus: number | undefined;
  picks: ReadonlySet<AssetId>;
  picking: boolean;
  firstOfAll: boolean;
  addressOf: (id: AssetId) => string;
  acts: TileActs;
}

const RowView = memo(function RowView({ row, top, spots, workOf, opened, focus, picks, picking, firstOfAll, addressOf, acts }: RowProps) {
  return (
    <div role="row" aria-rowindex={row.order} className="row" style={{ height: row.height, transform: `translateY(${top}px)` }}>
      {row.tiles.map((tile, column) => {
        const spot = spots[tile.index]!;
        return (
          <TileView
            key={spot._id} spot={spot} asset={workOf(spot._id)} index={tile.index} left={tile.left} width={tile.width} height={row.height}
            column={column + 1} href={addressOf(spot._id)} tabbable={tile.index === focus} opened={spot._id === opened}
            picked={picks.has(spot._id)} picking={picking} first={firstOfAll} acts={acts}
          />
        );
      })}
    </div>
  );
});

/* The rows to draw, by section: those near the screen, and the one with the tab stop. */
function shown(all: Layout, view: { from: number; to: number }, focus: number): Map<number, number[]> {
  const sections = new Map<number, number[]>();
  const add = (at: number) => {
    const row = all.rows[at];
    if (!row) return;
    const rows = sections.get(row.section);
    if (rows) rows.push(at);
    else sections.set(row.section, [at]);
  };
  const stop = focus < all.rowOf.length ? all.rowOf[focus]! : -1;
  if (stop >= 0 && stop < view.from) add(stop);
  for (let at = view.from; at < view.to; at++) add(at);
  if (stop >= view.to) add(stop);
  return sections;
}

/* The same object for as long as the grid lives, so that no tile is drawn again for it. */
function useActs(props: Props): TileActs {
  const latest = useRef(props);
  latest.current = props;
  return useMemo(
    () => ({
      focused: (index) => latest.current.onFocus(index),
      pick: (index) => latest.current.picks.toggle(index),
      pickTo: (index) => latest.current.picks.extend(index, latest.current.focus),
      remove: (index) => latest.current.onDelete(index),
    }),
    [],
  );
}

function usePresses(props: Props, all: Layout, element: RefObject<HTMLElement | null>) {
  const { spots, workOf, picks, onFocus, onLook, onDelete, onDownload, onMark } = props;
  const act = (event: KeyboardEvent, index: number): boolean => {
    const asset = workOf(spots[index]!._id);
    const letters = letterKeys.get();
    if (event.key === " ") onLook(index);
    else if (event.key === "Delete" || event.key === "Backspace") onDelete(index);
    else if (letters && event.key === "x") picks.toggle(index);
    else if (letters && event.key === "d") onDownload(index);
    else if (letters && event.key === "f") onMark(index);
    else if (letters && event.key === "r" && asset && canUseAgain(asset)) navigate(useAgainAddress(asset));
    else return false;
    return true;
  };
  return (event: KeyboardEvent) => {
    const index = Number((event.target as HTMLElement).dataset.index ?? NaN);
    if (!spots[index] || event.altKey) return;
    if (event.metaKey || event.ctrlKey) {
      if (event.key !== "a") return;
      picks.all();
    } else if (moves.has(event.key)) {
      const next = neighbour(all, index, event.key);
      if (next === undefined) return;
      if (event.shiftKey) picks.extend(next, index);
      focusTile(element.current, next, onFocus);
    } else if (!act(event, index)) return;
    event.preventDefault();
  };
}

export function Grid(props: Props) {
  const { spots, workOf, hasAny, sort, complete, opened, openedAt, focus, picks, picking, addressOf, onRange, onNearEnd } = props;
  const element = useRef<HTMLDivElement>(null);
  const { view, look } = useWindow(element, spots.length > 0, useWide(hasAny));
  const now = useNow(60_000);
  useFocusKept(element, focus);
  const all = useMemo(
    () => layout(view.width > 0 ? spots : [], view.width, targetFor(innerWidth), (spot) => keyOf(spot, sort)),
    [spots, view.width, sort],
  );
  usePlaceKept(element, all, spots, focus, look);
  useOpenedSeen(element, all, opened, openedAt);
  const { from, to } = rowsWithin(all, view.top, view.bottom);
  const acts = useActs(props);
  const press = usePresses(props, all, element);

  const first = all.rows[from]?.tiles[0]!.index ?? 0;
  const end = to > from ? all.rows[to - 1]!.tiles.at(-1)!.index + 1 : first;
  useLayoutEffect(() => onRange(first, end), [first, end, onRange]);
  useEffect(() => {
    if (all.height > 0 && view.bottom > all.height) onNearEnd();
  }, [view.bottom, all.height, onNearEnd]);

  const heading = (section: Section) => (
    <div role="row" aria-rowindex={section.order} className="dayhead">
      <div role="rowheader" className="dayname">
        <h2>{nameOfSection(spots[section.first]!, sort, now)}</h2>
        {/* Of the last there may be more to come. */}
        {(complete || section !== all.sections.at(-1)) && <span className="quiet num small">{number(section.count)}</span>}
      </div>
    </div>
  );
  const grid = (
    <div
      ref={element} role="grid" aria-label={words.grid[sort.by]} aria-multiselectable="true" aria-rowcount={complete ? all.count : -1}
      onKeyDown={press} style={{ height: all.height }}
    >
      {[...shown(all, { from, to }, focus)].map(([number, rows]) => {
        const section = all.sections[number]!;
        const head = section.key === "" ? 0 : HEADING;
        return (
          <div key={section.id} role="rowgroup" className="day" style={{ height: section.height, top: section.top }}>
            {head > 0 && heading(section)}
            <div role="presentation" className="rows" style={{ top: head }}>
              {rows.map((at) => {
                const row = all.rows[at]!;
                const stop = focus < all.rowOf.length && all.rowOf[focus] === at ? focus : undefined;
                return (
                  <RowView
                    key={spots[row.tiles[0]!.index]!._id} row={row} top={row.top - section.top - head} spots={spots} workOf={workOf}
                    opened={opened} focus={stop} picks={picks.ids} picking={picking} firstOfAll={at === 0} addressOf={addressOf} acts={acts}
                  />
                );
              })}
            </div>
          </div>
        );
      })}
    </div>
  );
  return (
    <div className="gridroom">
      {grid}
      {sort.by === "date" && <Scrubber all={all} spots={spots} grid={element} />}
    </div>
  );
}
