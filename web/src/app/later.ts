/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that are not needed for the first picture of a page are fetched after it. */
let painted: Promise<void> | undefined;

export function afterPaint(): Promise<void> {
  painted ??= new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  return painted;
}
