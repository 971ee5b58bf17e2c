/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown and in which order, as the address says it; what it says that is no choice counts as
   not said. */
import { useMemo } from "react";
import type { ShelfChoice } from "../types";
import type { Sort } from "./order";

export const sorts = {
  newest: { by: "date", up: false },
  oldest: { by: "date", up: true },
  largest: { by: "size", up: false },
  smallest: { by: "size", up: true },
  kinds: { by: "type", up: true },
} satisfies Record<string, Sort>;
export type SortName = keyof typeof sorts;

export const onlys = ["made", "uploaded", "marked"] as const;
export type Only = (typeof onlys)[number];

export interface Choice {
  shelf: ShelfChoice;
  sort: Sort;
  sortName: SortName;
  only?: Only;
  words: string;
  /* Only a part of the library is shown. */
  isPart: boolean;
}

const oneOf = <T extends string>(value: string | null, all: readonly T[]): T | undefined => all.find((one) => one === value);

export function choiceOf(query: URLSearchParams): Choice {
  const type = oneOf(query.get("type"), ["image", "video"] as const);
  const only = oneOf(query.get("only"), onlys);
  const words = (query.get("q") ?? "").trim().slice(0, 200);
  /* What is found by words comes newest first. */
  const sortName = words ? "newest" : (oneOf(query.get("sort"), Object.keys(sorts) as SortName[]) ?? "newest");
  const sort = sorts[sortName];
  const shelf: ShelfChoice = {};
  if (type) shelf.type = type;
  if (only === "marked") shelf.isFavorite = true;
  else if (only) shelf.source = only === "made" ? "generated" : "uploaded";
  if (words) shelf.searchTerm = words;
  else if (sortName !== "newest") Object.assign(shelf, { sort: sort.by, order: sort.up ? "asc" : "desc" });
  return { shelf, sort, sortName, only, words, isPart: type !== undefined || only !== undefined || words !== "" };
}

export function useChoice(query: URLSearchParams): Choice {
  const text = query.toString();
  return useMemo(() => choiceOf(new URLSearchParams(text)), [text]);
}
