/* SPDX-License-Identifier: Apache-2.0 */
/* Theme and contrast: cookies, so that public/early.js and the server know them before the first paint. */
import { storeOf } from "./store";

export type Theme = "system" | "dark" | "light";
export type Contrast = "system" | "more";

const root = document.documentElement;
export const theme = storeOf<Theme>((root.dataset.theme as Theme | undefined) ?? "system");
export const contrast = storeOf<Contrast>((root.dataset.contrast as Contrast | undefined) ?? "system");

function keep(name: "theme" | "contrast", value: string) {
  const age = value === "system" ? 0 : 31_536_000;
  document.cookie = `${name}=${value}; path=/; max-age=${age}; samesite=lax`;
  if (value === "system") delete root.dataset[name];
  else root.dataset[name] = value;
}

export function themeChoose(value: Theme) {
  theme.set(value);
  keep("theme", value);
}

export function contrastChoose(value: Contrast) {
  contrast.set(value);
  keep("contrast", value);
}
