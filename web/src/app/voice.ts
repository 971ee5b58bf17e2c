/* SPDX-License-Identifier: Apache-2.0 */
/* What is spoken: two live regions that stand empty in app.html. The latest message wins per subject,
   and at most one is spoken in five seconds, so that a busy stream does not talk over the reader. */
const PAUSE = 5000;
const REPLY = "reply";
const waiting = new Map<string, string>();
let last = -PAUSE;
let timer: number | undefined;

function speak(region: string, text: string) {
  const element = document.getElementById(region);
  if (!element) return;
  element.textContent = "";
  requestAnimationFrame(() => (element.textContent = text));
}

function flush() {
  timer = undefined;
  const first = waiting.entries().next();
  if (first.done) return;
  waiting.delete(first.value[0]);
  last = performance.now();
  speak("said", first.value[1]);
  if (waiting.size > 0) timer = window.setTimeout(flush, PAUSE);
}

export function say(text: string, subject = text) {
  waiting.delete(subject);
  waiting.set(subject, text);
  wake();
}

/* What answers somebody's own act goes before what happened meanwhile. */
export function reply(text: string) {
  const later = [...waiting].filter(([subject]) => subject !== REPLY);
  waiting.clear();
  waiting.set(REPLY, text);
  later.forEach(([subject, other]) => waiting.set(subject, other));
  wake();
}

function wake() {
  timer ??= window.setTimeout(flush, Math.max(0, last + PAUSE - performance.now()));
}

/* Only for loss of work or money. */
export const shout = (text: string) => speak("shouted", text);
