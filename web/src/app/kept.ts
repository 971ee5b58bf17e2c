/* SPDX-License-Identifier: Apache-2.0 */
/* What this browser keeps of an account: drafts, earlier prompts and where unfinished uploads go on. All of it goes at sign-out,
   because the next person at this browser may be another one. */
const OWN = /^(atelier\.(draft|prompts)\.|tus::)/;
let gone = false;

export function keptRead<T>(key: string): T | undefined {
  try {
    const text = localStorage.getItem(key);
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

export function keptWrite(key: string, value: unknown) {
  if (gone) return;
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    /* Storage is full or forbidden: the value lives as long as the tab. */
  }
}

/* From here until the page is gone, nothing is kept again. */
export function keptForget() {
  gone = true;
  Object.keys(localStorage).filter((key) => OWN.test(key)).forEach((key) => localStorage.removeItem(key));
}
