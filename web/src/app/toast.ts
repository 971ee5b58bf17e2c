/* SPDX-License-Identifier: Apache-2.0 */
/* Short news about what happened elsewhere than where somebody looks. They are only seen here: who
   listens is told by voice.ts. One is shown at a time; of many, the newest wait. */
import { storeOf } from "./store";

export interface Toast {
  id: string;
  text: string;
  /* A person's own words that it is about. */
  prompt?: string;
  act?: { name: string; href: string };
}

const WAITING_MAX = 3;

export const toasts = storeOf<readonly Toast[]>([]);

export function toast(one: Toast) {
  const [shown, ...waiting] = toasts.get().filter((other) => other.id !== one.id);
  if (shown === undefined) return toasts.set([one]);
  toasts.set([shown, ...[...waiting, one].slice(-WAITING_MAX)]);
}

export const toastGone = (id: string) => toasts.set(toasts.get().filter((one) => one.id !== id));
