/* SPDX-License-Identifier: Apache-2.0 */
/* Where every work stands: a light row of each, live, whole up to EAGER works and then as it is
   scrolled to. The works themselves are asked for by useWorks.ts, for what is near the screen. */
import { usePaginatedQuery } from "convex/react";
import { useCallback, useEffect, useRef } from "react";
import { shelfByPage, type ShelfChoice, type Spot } from "../types";

/* The first page is small, so that the first screen is not kept waiting for what lies below it. */
const FIRST = 200;
const PAGE = 1000;
const EAGER = 20_000;

export interface Shelf {
  spots: Spot[];
  first: boolean;
  complete: boolean;
  more: () => void;
}

/* The rest waits until the first works are there: answers of one moment come together, and a long one
   would hold up those which the first screen needs. */
export function useShelf(choice: ShelfChoice, goesOn: boolean): Shelf {
  const { results, status, loadMore } = usePaginatedQuery(shelfByPage, choice, { initialNumItems: FIRST });
  const can = useRef(false);
  can.current = status === "CanLoadMore";
  const more = useCallback(() => {
    if (can.current) loadMore(PAGE);
    can.current = false;
  }, [loadMore]);
  useEffect(() => {
    if (status === "CanLoadMore" && results.length < EAGER && (goesOn || results.length === 0)) more();
  }, [status, results.length, more, goesOn]);
  return { spots: results, first: status === "LoadingFirstPage", complete: status === "Exhausted", more };
}
