/* SPDX-License-Identifier: Apache-2.0 */
/* Dialogs that belong to no page; each arrives as its own piece, when it is first opened. */
import { lazy, Suspense } from "react";
import { keySheet, palette } from "./keys";
import { useStore } from "./store";

const KeySheet = lazy(() => import("./KeySheet"));
const Palette = lazy(() => import("./Palette"));

export function Overlays() {
  const keys = useStore(keySheet);
  const finding = useStore(palette);
  return (
    <Suspense>
      {keys && <KeySheet />}
      {finding && <Palette />}
    </Suspense>
  );
}
