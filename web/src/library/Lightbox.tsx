/* SPDX-License-Identifier: Apache-2.0 */
/* The work alone on a wall. Keys: arrows, B for the wall, Z for actual size, I for what is known. */
import * as Dialog from "@radix-ui/react-dialog";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { CloseIcon, NextIcon, PreviousIcon } from "../parts/icons";
import type { Asset } from "../types";
import { words } from "../words";
import { nameOf } from "./Tile";

const walls = ["room", "grey", "paper"] as const;
const QUIET_AFTER = 2000;

interface Props {
  asset: Asset;
  onStep?: (by: -1 | 1) => void;
  onClose: () => void;
}

/* The acts withdraw after two seconds without movement, unless one of them has the focus. */
function useStillness() {
  const [still, setStill] = useState(false);
  useEffect(() => {
    let timer = 0;
    const wake = () => {
      setStill(false);
      clearTimeout(timer);
      timer = window.setTimeout(() => setStill(true), QUIET_AFTER);
    };
    wake();
    addEventListener("pointermove", wake);
    addEventListener("keydown", wake);
    return () => {
      clearTimeout(timer);
      removeEventListener("pointermove", wake);
      removeEventListener("keydown", wake);
    };
  }, []);
  return still;
}

export default function Lightbox({ asset, onStep, onClose }: Props) {
  const [wall, setWall] = useState(0);
  const [actual, setActual] = useState(false);
  const [info, setInfo] = useState(false);
  const content = useRef<HTMLDivElement>(null);
  const still = useStillness();
  const l = words.look;
  const film = asset.type === "video";
  const acts: Record<string, () => void> = {
    ArrowLeft: () => onStep?.(-1),
    ArrowRight: () => onStep?.(1),
    b: () => setWall((now) => (now + 1) % walls.length),
    z: () => setActual((now) => !now),
    i: () => setInfo((now) => !now),
  };
  const press = (event: KeyboardEvent) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const onControl = (event.target as HTMLElement).closest("button, video") !== null;
    const act = event.key === " " && !onControl ? onClose : acts[event.key];
    if (!act || (onControl && film && event.key.startsWith("Arrow"))) return;
    event.preventDefault();
    act();
  };
  return (
    <Dialog.Root open onOpenChange={onClose}>
      <Dialog.Portal>
        <Dialog.Content
          ref={content} className={`lightbox wall-${walls[wall]} ${still ? "still" : ""} ${actual ? "actual" : ""}`} onKeyDown={press}
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            content.current?.focus();
          }}
          onCloseAutoFocus={(event) => event.preventDefault()}
        >
          <Dialog.Title className="sr">{l.label}: {nameOf(asset)}</Dialog.Title>
          {film ? (
            <video key={asset._id} src={asset.url} poster={asset.displayUrl || asset.thumbnailUrl || undefined} controls autoPlay={!matchMedia("(prefers-reduced-motion: reduce)").matches} loop playsInline aria-label={nameOf(asset)} />
          ) : (
            <div className="look-room"><img key={asset._id} src={asset.url} width={asset.width} height={asset.height} alt={nameOf(asset)} /></div>
          )}
          <div className="look-acts">
            {onStep && <button type="button" className="closer" aria-label={l.previous} onClick={() => onStep(-1)}><PreviousIcon /></button>}
            {onStep && <button type="button" className="closer" aria-label={l.next} onClick={() => onStep(1)}><NextIcon /></button>}
            <button type="button" className="word" aria-pressed={info} onClick={() => setInfo(!info)}>{l.info}</button>
            <button type="button" className="word" onClick={acts.b}>{l.wall}</button>
            {!film && <button type="button" className="word" aria-pressed={actual} onClick={acts.z}>{l.actual}</button>}
            <Dialog.Close className="closer" aria-label={l.close}><CloseIcon /></Dialog.Close>
          </div>
          {info && (
            <div className="look-info">
              <p className="words">{asset.prompt}</p>
              <p className="facts">{words.detail.measures(asset.width, asset.height, asset.sizeBytes)}</p>
            </div>
          )}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
