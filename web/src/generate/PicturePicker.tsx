/* SPDX-License-Identifier: Apache-2.0 */
/* One's own pictures, newest first, to choose one from. Arrows go from picture to picture. */
import * as Dialog from "@radix-ui/react-dialog";
import { usePaginatedQuery } from "convex/react";
import { useState, type KeyboardEvent } from "react";
import { Button } from "../parts/Button";
import { CloseIcon } from "../parts/icons";
import { Picture } from "../parts/Picture";
import { cut } from "../format";
import { worksByPage, type Asset, type AssetId } from "../types";
import { words } from "../words";

const PAGE = 40;
const ALT_LIMIT = 120;
const s = words.start;

function step(event: KeyboardEvent<HTMLUListElement>) {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>("button[data-pick]")];
  const at = all.indexOf(event.target as HTMLElement);
  if (by === undefined || at < 0) return;
  event.preventDefault();
  all[at + by]?.focus();
}

function Tiles({ works, chosen, onChoose }: { works: Asset[]; chosen?: AssetId; onChoose: (work: Asset) => void }) {
  const [stop, setStop] = useState<string | undefined>(chosen);
  const first = works.some((work) => work._id === stop) ? stop : works[0]?._id;
  return (
    <ul className="picks" onKeyDown={step}>
      {works.map((work) => (
        <li key={work._id}>
          <button
            type="button" data-pick className="print" style={{ aspectRatio: `${work.width} / ${work.height}` }} tabIndex={work._id === first ? 0 : -1}
            aria-label={cut(work.prompt || words.detail.untitled, ALT_LIMIT)} aria-pressed={work._id === chosen} onFocus={() => setStop(work._id)} onClick={() => onChoose(work)}
          >
            <Picture asset={work} alt="" sizes="240px" />
          </button>
        </li>
      ))}
    </ul>
  );
}

interface Props {
  chosen?: AssetId;
  onChoose: (work: Asset) => void;
  onClose: () => void;
}

export default function PicturePicker({ chosen, onChoose, onClose }: Props) {
  const { results, status, loadMore } = usePaginatedQuery(worksByPage, { type: "image" as const }, { initialNumItems: PAGE });
  return (
    <Dialog.Root open onOpenChange={onClose}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content
          className="dialog wide" aria-describedby={undefined}
          onCloseAutoFocus={(event) => { event.preventDefault(); document.getElementById("start")?.focus(); }}
        >
          <div className="rowline">
            <Dialog.Title>{s.title}</Dialog.Title>
            <Dialog.Close className="closer" aria-label={words.close}><CloseIcon /></Dialog.Close>
          </div>
          {results.length > 0 && <Tiles works={results} chosen={chosen} onChoose={onChoose} />}
          {results.length === 0 && status === "Exhausted" && <p className="words">{s.none}</p>}
          {status === "CanLoadMore" && <div><Button onClick={() => loadMore(PAGE)}>{s.more}</Button></div>}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
