/* SPDX-License-Identifier: Apache-2.0 */
/* What a person wrote, in the serif. Long prompts are held to three lines, with a way to the rest. */
import { useState } from "react";
import { words } from "../words";

const LONG = 220;

export function Words({ text, id }: { text: string; id?: string }) {
  const [open, setOpen] = useState(false);
  const long = text.length > LONG;
  return (
    <div className="prompt-text">
      <p id={id} className={long && !open ? "words clamp" : "words"}>{text}</p>
      {long && (
        <button type="button" className="word small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? words.less : words.allOfIt}
        </button>
      )}
    </div>
  );
}
