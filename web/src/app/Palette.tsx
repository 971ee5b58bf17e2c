/* SPDX-License-Identifier: Apache-2.0 */
/* Go anywhere by typing: places, acts, and the latest works by their prompt. */
import * as Dialog from "@radix-ui/react-dialog";
import { useQuery } from "convex/react";
import { useState, type KeyboardEvent } from "react";
import { api } from "../convex/_generated/api";
import { cut } from "../format";
import { words } from "../words";
import { keySheet, palette } from "./keys";
import { useMe } from "./live";
import { useReturnFocus } from "./returnFocus";
import { navigate } from "./router";
import { sessionLeave } from "./session";
import { themeChoose } from "./theme";

interface Entry {
  group: string;
  name: string;
  act: () => void;
  prompt?: boolean;
}

const fixed: Entry[] = [
  { group: words.palette.places, name: words.places.generate, act: () => navigate("/generate") },
  { group: words.palette.places, name: words.places.library, act: () => navigate("/library") },
  { group: words.palette.places, name: words.places.billing, act: () => navigate("/billing") },
  { group: words.palette.places, name: words.places.settings, act: () => navigate("/settings") },
  { group: words.palette.acts, name: `${words.settings.theme}: ${words.settings.dark}`, act: () => themeChoose("dark") },
  { group: words.palette.acts, name: `${words.settings.theme}: ${words.settings.light}`, act: () => themeChoose("light") },
  { group: words.palette.acts, name: `${words.settings.theme}: ${words.settings.system}`, act: () => themeChoose("system") },
  { group: words.palette.acts, name: words.keys.title, act: () => keySheet.set(true) },
  { group: words.palette.acts, name: words.account.signOut, act: () => void sessionLeave() },
];

const WORKS = 50;
const SHOWN = 12;

function useEntries(text: string): Entry[] {
  const works = useQuery(api.assets.getAssets, { paginationOpts: { numItems: WORKS, cursor: null } });
  const me = useMe();
  const admin = { group: words.palette.places, name: words.places.admin, act: () => navigate("/admin") };
  const entries = fixed.concat(me?.role === "admin" ? [admin] : [],
    (works?.page ?? []).map((work) => ({
      group: words.palette.works, name: work.prompt || words.detail.untitled, prompt: true,
      act: () => navigate(`/library/${work._id}`),
    })),
  );
  const wanted = text.trim().toLowerCase();
  return entries.filter((entry) => entry.name.toLowerCase().includes(wanted)).slice(0, SHOWN);
}

export default function Palette() {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const entries = useEntries(text);
  const returnFocus = useReturnFocus();
  const run = (entry: Entry | undefined) => {
    palette.set(false);
    entry?.act();
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setAt((at + step + entries.length) % Math.max(entries.length, 1));
    else if (event.key === "Enter") run(entries[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog.Root open onOpenChange={(open) => palette.set(open)}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog palette" onCloseAutoFocus={returnFocus} aria-describedby={undefined}>
          <Dialog.Title className="sr">{words.palette.title}</Dialog.Title>
          <input
            className="input" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-label={words.palette.title}
            aria-activedescendant={entries[at] && `palette-${at}`} placeholder={words.palette.hint} value={text}
            onChange={(event) => { setText(event.target.value); setAt(0); }} onKeyDown={press}
          />
          <ul id="palette-list" role="listbox" aria-label={words.palette.title}>
            {entries.map((entry, index) => (
              <li
                key={`${entry.group}${entry.name}${index}`} id={`palette-${index}`} role="option" aria-selected={index === at}
                className="item" onClick={() => run(entry)} onPointerMove={() => setAt(index)}
              >
                <span className={entry.prompt ? "words" : undefined}>{cut(entry.name, 72)}</span>
                <span className="quiet small">{entry.group}</span>
              </li>
            ))}
          </ul>
          {entries.length === 0 && <p className="quiet">{words.palette.none}</p>}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
