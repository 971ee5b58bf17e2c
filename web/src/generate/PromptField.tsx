/* SPDX-License-Identifier: Apache-2.0 */
/* Where a person writes: a growing textarea in the serif, a quiet counter, what to leave out, ideas. */
import { lazy, Suspense, useRef, type KeyboardEvent } from "react";
import { afterPaint } from "../app/later";
import { DownIcon } from "../parts/icons";
import { words } from "../words";
import { earlierPrompts, type Change, type Draft } from "./draft";

const Ideas = lazy(() => afterPaint().then(() => import("./Ideas")));

const LINE = 36;

interface Props {
  draft: Draft;
  change: Change;
  userId: string;
  canLeaveOut: boolean;
  limit: number;
  fault?: string;
}

/* Alt with up or down leafs through what was sent before; below the latest is what stood there first. */
function useEarlier(draft: Draft, change: Change, userId: string) {
  const leaf = useRef({ at: -1, own: "" });
  return (event: KeyboardEvent) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const earlier = earlierPrompts(userId);
    const place = leaf.current;
    if (earlier[place.at] !== draft.prompt) place.at = -1;
    if (place.at < 0) place.own = draft.prompt;
    const next = place.at + (event.key === "ArrowUp" ? 1 : -1);
    if (next >= earlier.length || next < -1) return;
    place.at = next;
    change({ prompt: next < 0 ? place.own : earlier[next]! });
    event.preventDefault();
  };
}

/* Typed in by the browser itself, so that its own undo brings the old words back. */
function putIn(field: HTMLTextAreaElement | null, text: string, change: Change) {
  if (!field) return change({ prompt: text });
  field.focus();
  field.select();
  if (!document.execCommand("insertText", false, text)) change({ prompt: text });
}

/* For browsers which cannot size a field by its content: three to twelve lines, by estimate. */
function rowsFor(text: string): number {
  const lines = text.split("\n").reduce((sum, line) => sum + Math.ceil((line.length + 1) / LINE), 0);
  return Math.min(12, Math.max(3, lines));
}

export function PromptField({ draft, change, userId, canLeaveOut, limit, fault }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const leaf = useEarlier(draft, change, userId);
  const over = draft.prompt.length > limit;
  const c = words.composer;
  return (
    <div>
      <div className={fault ? "prompt invalid" : "prompt"}>
        <label className="sr" htmlFor="prompt">{c.prompt}</label>
        <textarea
          id="prompt" ref={field} rows={rowsFor(draft.prompt)} value={draft.prompt} placeholder={draft.kind === "image" ? c.promptHint : c.filmHint}
          aria-invalid={fault || over ? true : undefined} aria-describedby={fault ? "prompt-count prompt-fault" : "prompt-count"}
          onChange={(event) => change({ prompt: event.target.value })} onKeyDown={leaf}
        />
        <div className="under">
          {canLeaveOut && (
            <button
              type="button" className="word" aria-expanded={draft.leaveOutOpen} aria-controls="leave-out"
              onClick={() => change({ leaveOutOpen: !draft.leaveOutOpen })}
            >
              {c.leaveOut}
            </button>
          )}
          <Suspense fallback={<span className="word">{c.ideas}<DownIcon /></span>}>
            <Ideas kind={draft.kind} onChoose={(idea) => putIn(field.current, idea, change)} />
          </Suspense>
          <span id="prompt-count" className={over ? "push num alarm" : "push num quiet"}>{c.counter(draft.prompt.length, limit)}</span>
        </div>
      </div>
      {fault && <p id="prompt-fault" className="wrong note">{fault}</p>}
      {canLeaveOut && draft.leaveOutOpen && (
        <div className="field leave-out">
          <label htmlFor="leave-out">{c.leaveOut}</label>
          <textarea
            id="leave-out" className="input words" rows={2} value={draft.leaveOut} placeholder={c.leaveOutHint}
            onChange={(event) => change({ leaveOut: event.target.value })}
          />
        </div>
      )}
    </div>
  );
}
