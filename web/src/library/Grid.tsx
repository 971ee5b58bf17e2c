/* SPDX-License-Identifier: Apache-2.0 */
/* The justified grid: one tab stop, arrow keys inside it, and only the rows near the screen exist. */
import { useEffect, useLayoutEffect, useMemo, useRef, type KeyboardEvent, type RefObject } from "react";
import { useNow } from "../app/live";
import { letterKeys } from "../app/keys";
import { navigate } from "../app/router";
import { dayName, number } from "../format";
import type { Asset } from "../types";
import { words } from "../words";
import { download, useAgainAddress } from "./acts";
import { layout, neighbour, targetFor, type Day, type Row } from "./justify";
import { TileView } from "./Tile";
import { useWindow, type View } from "./useWindow";

const HEADING = 48;
const BETWEEN_DAYS = 12;
const moves = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

interface Props {
  assets: Asset[];
  /* How many rows the whole set has is known only when everything is loaded. */
  complete: boolean;
  selected?: string;
  focus: number;
  addressOf: (asset: Asset) => string;
  onFocus: (index: number) => void;
  onLook: (asset: Asset) => void;
  onDelete: (asset: Asset) => void;
  onNearEnd: () => void;
}

interface Placed {
  day: Day;
  top: number;
  firstRow: number;
}

function place(days: Day[]): { placed: Placed[]; height: number; rows: number } {
  let top = 0;
  let firstRow = 1;
  const placed = days.map((day) => {
    const here = { day, top, firstRow };
    top += HEADING + day.height + BETWEEN_DAYS;
    firstRow += day.rows.length + 1;
    return here;
  });
  return { placed, height: top, rows: firstRow - 1 };
}

const inView = (top: number, height: number, view: View) => top + height >= view.top && top <= view.bottom;

/* Puts the focus on a tile that may only come into being by scrolling to it. */
function focusTile(grid: HTMLElement | null, index: number, top: number | undefined) {
  const find = () => grid?.querySelector<HTMLElement>(`[data-index="${index}"]`);
  const found = find();
  if (found) return found.focus();
  if (top === undefined || !grid) return;
  scrollTo({ top: grid.offsetTop + top - innerHeight / 2 });
  requestAnimationFrame(() => requestAnimationFrame(() => find()?.focus()));
}

function topOf(placed: Placed[], index: number): number | undefined {
  for (const { day, top } of placed) {
    const row = day.rows.find((one) => one.tiles.some((tile) => tile.index === index));
    if (row) return top + HEADING + row.top;
  }
  return undefined;
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

export function Grid(props: Props) {
  const { assets, complete, selected, focus, addressOf, onFocus, onLook, onDelete, onNearEnd } = props;
  const element = useRef<HTMLDivElement>(null);
  const view = useWindow(element, assets.length > 0);
  const now = useNow(60_000);
  useFocusKept(element, focus);
  const days = useMemo(() => (view.width > 0 ? layout(assets, view.width, targetFor(innerWidth)) : []), [assets, view.width]);
  const { placed, height, rows } = useMemo(() => place(days), [days]);

  useEffect(() => {
    if (height > 0 && view.bottom > height) onNearEnd();
  }, [view.bottom, height, onNearEnd]);

  const act = (event: KeyboardEvent, asset: Asset): boolean => {
    if (event.key === " ") onLook(asset);
    else if (event.key === "Delete" || event.key === "Backspace") onDelete(asset);
    else if (letterKeys.get() && event.key === "d") download(asset);
    else if (letterKeys.get() && event.key === "r") navigate(useAgainAddress(asset));
    else return false;
    return true;
  };
  const press = (event: KeyboardEvent) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const index = Number((event.target as HTMLElement).dataset.index ?? NaN);
    const asset = assets[index];
    if (!asset) return;
    if (moves.has(event.key)) {
      const next = neighbour(days, index, event.key);
      if (next !== undefined) focusTile(element.current, next, topOf(placed, next));
    } else if (!act(event, asset)) return;
    event.preventDefault();
  };

  const row = (one: Row, order: number, firstOfAll: boolean) => (
    <div
      key={one.tiles[0]!.asset._id} role="row" aria-rowindex={order} className="row"
      style={{ height: one.height, transform: `translateY(${one.top}px)` }}
    >
      {one.tiles.map((tile, column) => (
        <TileView
          key={tile.asset._id} asset={tile.asset} index={tile.index} left={tile.left} width={tile.width} height={one.height}
          column={column + 1} href={addressOf(tile.asset)} tabbable={tile.index === focus} selected={tile.asset._id === selected}
          first={firstOfAll} onDelete={onDelete} onFocus={onFocus}
        />
      ))}
    </div>
  );

  return (
    <div ref={element} role="grid" aria-label={words.library.grid} aria-rowcount={complete ? rows : -1} onKeyDown={press} style={{ height }}>
      {placed.map(({ day, top, firstRow }) => {
        const tall = HEADING + day.height;
        const focused = day.rows.some((one) => one.tiles.some((tile) => tile.index === focus));
        if (!focused && !inView(top, tall, view)) return null;
        return (
          <div key={day.key} role="rowgroup" className="day" style={{ height: tall, top }}>
            <div role="row" aria-rowindex={firstRow} className="dayhead">
              <div role="rowheader" className="dayname">
                <h2>{dayName(day.at, now)}</h2>
                {/* Of the last day there may be more to come. */}
                {(complete || day !== days[days.length - 1]) && <span className="quiet num small">{number(day.count)}</span>}
              </div>
            </div>
            <div role="presentation" className="rows">
              {day.rows.map((one, order) =>
                inView(top + HEADING + one.top, one.height, view) || one.tiles.some((tile) => tile.index === focus)
                  ? row(one, firstRow + 1 + order, firstRow === 1 && order === 0)
                  : null,
              )}
            </div>
          </div>
        );
      })}
    </div>
  );
}
