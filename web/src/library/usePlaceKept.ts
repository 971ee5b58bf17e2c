/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody looks at stays where it is while the grid gets another width, and what is opened is in
   view. Tens of thousands of pixels above may have gone or come; the browser's own anchoring knows
   nothing of rows that do not exist. */
import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";
import type { Spot } from "../types";
import { HEADING, rowsWithin, type Layout, type Row } from "./justify";

const AIR = 12;

const rowAt = (all: Layout, index: number): Row | undefined => (index < 0 ? undefined : all.rows[all.rowOf[index] ?? -1]);
const jump = (by: number) => scrollBy({ top: by, behavior: "instant" });

/* Of the old layout: the tab stop if it is in view, or else the first work that is. */
function lookedAt(all: Layout, focus: number, gridTop: number): number | undefined {
  const held = rowAt(all, focus);
  if (held && gridTop + held.top + held.height > HEADING && gridTop + held.top < innerHeight) return focus;
  return all.rows[rowsWithin(all, HEADING - gridTop, innerHeight - gridTop).from]?.tiles[0]!.index;
}

export function usePlaceKept(grid: RefObject<HTMLElement | null>, all: Layout, spots: readonly Spot[], focus: number, look: () => void) {
  const before = useRef({ all, spots });
  useLayoutEffect(() => {
    const was = before.current;
    before.current = { all, spots };
    if (was.all === all || was.spots !== spots || was.all.rows.length === 0 || !grid.current) return;
    const index = lookedAt(was.all, focus, grid.current.getBoundingClientRect().top);
    if (index === undefined) return;
    jump(rowAt(all, index)!.top - rowAt(was.all, index)!.top);
    look();
  }, [all]);
}

/* As little as is needed; a sheet covers what is below its edge. */
export function useOpenedSeen(grid: RefObject<HTMLElement | null>, all: Layout, opened: string | undefined, index: number) {
  const latest = useRef({ all, index });
  latest.current = { all, index };
  const isThere = index >= 0 && index < all.rowOf.length;
  useEffect(() => {
    const row = rowAt(latest.current.all, latest.current.index);
    if (opened === undefined || !row || !grid.current) return;
    const sheet = document.getElementById("detail");
    const isSheet = sheet !== null && getComputedStyle(sheet).position === "fixed";
    const under = isSheet ? sheet.getBoundingClientRect().top : innerHeight;
    const head = (document.querySelector(".bar")?.getBoundingClientRect().bottom ?? 0) + HEADING;
    const top = grid.current.getBoundingClientRect().top + row.top;
    if (top + row.height + AIR > under) jump(Math.min(top - head, top + row.height + AIR - under));
    else if (top < head) jump(top - head - AIR);
  }, [opened, isThere]);
}
