/* SPDX-License-Identifier: Apache-2.0 */
/* What of the library is shown, and in which order. The address keeps it. */
import * as Radio from "@radix-ui/react-radio-group";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { afterPaint } from "../app/later";
import { navigate, withQuery } from "../app/router";
import { DownIcon } from "../parts/icons";
import { words as common } from "../words";
import { onlys, sorts, type Choice, type SortName } from "./choice";
import type { PickerProps } from "./Picker";
import { words } from "./words";

const PickerMenu = lazy(() => afterPaint().then(() => import("./Picker")));

const TYPING = 150;

const set = (name: string, value: string, unsaid: string) => navigate(withQuery(name, value === unsaid ? undefined : value), { replace: true });

/* Finds while it is typed, live as everything; Escape empties it. */
function SearchField({ value }: { value: string }) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  useEffect(() => {
    /* The address was changed elsewhere, such as by Back. */
    if (value !== sent.current) setText(value);
    sent.current = value;
  }, [value]);
  useEffect(() => {
    if (text.trim() === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text.trim();
      set("q", sent.current, "");
    }, TYPING);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      id="search" type="search" className="input search" aria-label={words.search.label} placeholder={words.search.hint} maxLength={200}
      value={text} onChange={(event) => setText(event.target.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || text === "") return;
        event.preventDefault();
        setText("");
      }}
    />
  );
}

/* Until the menu behind it is here, its place is held by the same words. */
function Picker(props: PickerProps) {
  const held = <span className="word">{props.name} <DownIcon /></span>;
  return <Suspense fallback={held}><PickerMenu {...props} /></Suspense>;
}

export function FilterLine({ choice, hidden, onPick }: { choice: Choice; hidden: boolean; onPick: () => void }) {
  const l = common.library;
  return (
    <div className={hidden ? "filters push away" : "filters push"}>
      <SearchField value={choice.words} />
      <Radio.Root
        className="wordlist" aria-label={l.kind} orientation="horizontal" value={choice.shelf.type ?? "all"}
        onValueChange={(value) => set("type", value, "all")}
      >
        <Radio.Item className="word" value="all">{l.everything}</Radio.Item>
        <Radio.Item className="word" value="image">{l.onlyPictures}</Radio.Item>
        <Radio.Item className="word" value="video">{l.onlyFilms}</Radio.Item>
      </Radio.Root>
      <Picker
        label={words.only.name} value={choice.only ?? "all"} name={words.only[choice.only ?? "all"]} options={(["all", ...onlys] as const).map((one) => [one, words.only[one]] as const)}
        onChoose={(value) => set("only", value, "all")}
      />
      {!choice.words && <Picker
        label={words.sort.name} value={choice.sortName} name={words.sort[choice.sortName]} options={(Object.keys(sorts) as SortName[]).map((one) => [one, words.sort[one]] as const)}
        onChoose={(value) => set("sort", value, "newest")}
      />}
      <button type="button" className="word" onClick={onPick}>{words.picks.begin}</button>
    </div>
  );
}
