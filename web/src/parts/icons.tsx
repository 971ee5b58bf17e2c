/* SPDX-License-Identifier: Apache-2.0 */
/* The few pictograms that are allowed: close, previous, next, disclosure, play, tick, more, handle. */
const line = { fill: "none", stroke: "currentColor", "aria-hidden": true } as const;

export const CloseIcon = () => (
  <svg width="14" height="14" viewBox="0 0 14 14" strokeWidth="1.5" {...line}><path d="m3 3 8 8M11 3l-8 8" /></svg>
);
export const PreviousIcon = () => (
  <svg width="14" height="14" viewBox="0 0 14 14" strokeWidth="1.5" {...line}><path d="M9 2.5 4.5 7 9 11.5" /></svg>
);
export const NextIcon = () => (
  <svg width="14" height="14" viewBox="0 0 14 14" strokeWidth="1.5" {...line}><path d="M5 2.5 9.5 7 5 11.5" /></svg>
);
export const DownIcon = () => (
  <svg width="10" height="10" viewBox="0 0 10 10" strokeWidth="1.4" {...line}><path d="m2 3.5 3 3 3-3" /></svg>
);
export const TickIcon = () => (
  <svg width="12" height="12" viewBox="0 0 12 12" strokeWidth="1.6" {...line}><path d="M2 6.5 5 9.5 10.5 3" /></svg>
);
export const PlayIcon = () => (
  <svg width="9" height="10" viewBox="0 0 9 10" fill="currentColor" aria-hidden="true"><path d="M0 0v10l9-5z" /></svg>
);
