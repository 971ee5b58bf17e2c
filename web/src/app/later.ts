/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that are not needed for the first picture of a page are fetched after it. */
let painted: Promise<void> | undefined;

export function afterPaint(): Promise<void> {
  painted ??= new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  return painted;
}

const PATIENCE = 2000;

/* What is only wanted later stands back until the page has what it was opened for. */
export function whenIdle(): Promise<void> {
  return afterPaint().then(
    () => new Promise((done) => setTimeout(() => ("requestIdleCallback" in window ? requestIdleCallback(() => done(), { timeout: PATIENCE }) : done()), PATIENCE / 2)),
  );
}
