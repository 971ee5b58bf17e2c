/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for the whole application. Bound to the character, not its place; silent while somebody types.
   Single letters can be switched off (WCAG 2.1.4). */
import { useEffect } from "react";
import { navigate } from "./router";
import { storeOf } from "./store";

const KEPT = "atelier.keys";
export const letterKeys = storeOf(localStorage.getItem(KEPT) !== "off");
export const keySheet = storeOf(false);
export const palette = storeOf(false);

export function letterKeysChoose(on: boolean) {
  letterKeys.set(on);
  localStorage.setItem(KEPT, on ? "on" : "off");
}

export const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const overlaid = () => document.querySelector('[role="dialog"][data-state="open"], [role="alertdialog"], [role="menu"]') !== null;

const goTo: Record<string, string> = { g: "/generate", l: "/library", b: "/billing", a: "/settings" };

/* The prompt was asked for on another page; it takes the focus when it is there. */
export const toPrompt = storeOf(false);

function focusPrompt() {
  const prompt = document.getElementById("prompt") ?? document.getElementById("search");
  if (prompt) return prompt.focus();
  toPrompt.set(true);
  navigate("/generate");
}

export function useGlobalKeys() {
  useEffect(() => {
    let leader = 0;
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        palette.set(!palette.get());
        return;
      }
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
      if (isTyping(event.target) || overlaid() || !letterKeys.get()) return;
      const place = goTo[event.key];
      if (performance.now() - leader < 1200 && place) navigate(place);
      else if (event.key === "/") focusPrompt();
      else if (event.key === "?") keySheet.set(true);
      else {
        leader = event.key === "g" ? performance.now() : 0;
        return;
      }
      leader = 0;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

export const mod = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";
