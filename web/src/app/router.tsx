/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses. The path and the query are the state of the page; Back brings the scroll position with it. */
import { useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from "react";

interface Entry {
  key: number;
  /* Where an entry that was opened from inside came from; absent when the address was opened directly. */
  inside?: boolean;
  /* It stands beside the entry before it, on the same page: between the two nothing is scrolled. */
  beside?: boolean;
}

const listeners = new Set<() => void>();
const scrolls = new Map<number, number>();
const entry = () => (history.state ?? { key: 0 }) as Entry;
let snapshot = location.href;
let lastKey = entry().key;
let current = lastKey;
let currentIsBeside = entry().beside === true;

history.scrollRestoration = "manual";
if (history.state === null) history.replaceState({ key: 0 }, "");

const tell = () => {
  snapshot = location.href;
  listeners.forEach((listener) => listener());
};

addEventListener("popstate", () => {
  scrolls.set(current, scrollY);
  const { key, beside = false } = entry();
  const isBeside = key < current ? key === current - 1 && currentIsBeside : key === current + 1 && beside;
  current = key;
  currentIsBeside = beside;
  tell();
  if (!isBeside) restore(scrolls.get(current) ?? 0);
});

/* The page may grow back over some frames, while its data returns. */
function restore(top: number) {
  const until = performance.now() + 1000;
  const attempt = () => {
    scrollTo({ top, behavior: "instant" });
    if (Math.abs(scrollY - top) > 1 && performance.now() < until) requestAnimationFrame(attempt);
  };
  requestAnimationFrame(attempt);
}

export function navigate(to: string, how: { replace?: boolean; stay?: boolean } = {}) {
  scrolls.set(current, scrollY);
  if (how.replace) history.replaceState(entry(), "", to);
  else {
    current = ++lastKey;
    currentIsBeside = how.stay === true;
    history.pushState({ key: current, inside: true, beside: currentIsBeside } satisfies Entry, "", to);
  }
  tell();
  if (!how.stay) scrollTo({ top: 0, behavior: "instant" });
}

/* Whether the address was reached from within the application. */
export const cameFromInside = () => entry().inside === true;

export function usePlace() {
  const href = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => snapshot,
  );
  const url = new URL(href);
  return { path: url.pathname, query: url.searchParams };
}

/* The present address with one query parameter set, or removed by undefined. */
export function withQuery(name: string, value: string | undefined): string {
  const url = new URL(location.href);
  if (value === undefined) url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  return url.pathname + url.search;
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  href: string;
  stay?: boolean;
  replace?: boolean;
}

export function Link({ href, stay, replace, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href, { stay, replace });
  };
  return <a href={href} onClick={follow} {...rest} />;
}
