/* SPDX-License-Identifier: Apache-2.0 */
/* The work alone on a wall, or two to four side by side with one zoom. Keys: arrows, B for the wall,
   Z for actual size, + and - for closer and further, I for what is known. */
import * as Dialog from "@radix-ui/react-dialog";
import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from "react";
import { CloseIcon, NextIcon, PreviousIcon } from "../parts/icons";
import type { Asset } from "../types";
import { words } from "../words";
import { nameOf } from "./Tile";
import { words as own } from "./words";
import { Zoomable } from "./Zoomable";
import { CLOSEST, FIT, type Zoom } from "./zoom";

const walls = ["room", "grey", "paper"] as const;
const QUIET_AFTER = 2000;
const STEP = 1.4;

interface Props {
  /* One; or two to four to compare. */
  assets: Asset[];
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

function Film({ asset }: { asset: Asset }) {
  return (
    <video
      key={asset._id} src={asset.playbackUrl || asset.url} poster={asset.displayUrl || asset.thumbnailUrl || undefined} controls
      autoPlay={!matchMedia("(prefers-reduced-motion: reduce)").matches} loop playsInline aria-label={nameOf(asset)}
    />
  );
}

function useZoom(of: string) {
  const [{ zoom, about }, setState] = useState<{ zoom: Zoom; about: string }>({ zoom: FIT, about: of });
  const [actual, setActual] = useState(1);
  /* Another picture fits first. */
  const now = about === of ? zoom : FIT;
  const change = useCallback(
    (next: (zoom: Zoom) => Zoom) => setState((state) => ({ zoom: next(state.about === of ? state.zoom : FIT), about: of })),
    [of],
  );
  /* About the middle of the room. */
  const by = (factor: number) =>
    change((before) => {
      const scale = Math.min(before.scale * factor, actual * CLOSEST);
      return scale <= 1 ? FIT : { scale, x: (before.x * scale) / before.scale, y: (before.y * scale) / before.scale };
    });
  const isActual = now.scale > 1 && Math.abs(now.scale - actual) < 0.01;
  return { zoom: now, change, by, actual, setActual, isActual, toggle: () => change(() => (isActual ? FIT : { ...FIT, scale: actual })) };
}

export default function Lightbox({ assets, onStep, onClose }: Props) {
  const asset = assets[0]!;
  const [wall, setWall] = useState(0);
  const [info, setInfo] = useState(false);
  const content = useRef<HTMLDivElement>(null);
  const { zoom, change, by, actual, setActual, isActual, toggle } = useZoom(assets.map((one) => one._id).join());
  const still = useStillness();
  const l = words.look;
  const film = asset.type === "video" && assets.length === 1;
  const acts: Record<string, () => void> = {
    ArrowLeft: () => onStep?.(-1),
    ArrowRight: () => onStep?.(1),
    b: () => setWall((now) => (now + 1) % walls.length),
    z: toggle,
    "+": () => by(STEP),
    "=": () => by(STEP),
    "-": () => by(1 / STEP),
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
          ref={content} className={`lightbox wall-${walls[wall]}${still ? " still" : ""}`} onKeyDown={press}
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            content.current?.focus();
          }}
          onCloseAutoFocus={(event) => event.preventDefault()}
        >
          <Dialog.Title className="sr">{l.label}: {assets.map(nameOf).join(", ")}</Dialog.Title>
          <div className="look-wall">
            {film ? <Film asset={asset} /> : (
              <div className={`look-side of-${assets.length}`}>
                {assets.map((one) => <Zoomable key={one._id} asset={one} zoom={zoom} onZoom={change} onActual={setActual} margin={assets.length > 1 ? 8 : 32} />)}
              </div>
            )}
          </div>
          <div className="look-acts">
            {onStep && <button type="button" className="closer" aria-label={l.previous} onClick={() => onStep(-1)}><PreviousIcon /></button>}
            {onStep && <button type="button" className="closer" aria-label={l.next} onClick={() => onStep(1)}><NextIcon /></button>}
            {!film && <button type="button" className="word" aria-label={own.look.smaller} onClick={acts["-"]}>−</button>}
            {!film && <span className="num small look-scale" aria-live="off">{own.look.scale(Math.round((zoom.scale / actual) * 100))}</span>}
            {!film && <button type="button" className="word" aria-label={own.look.larger} onClick={acts["+"]}>+</button>}
            {!film && <button type="button" className="word" aria-pressed={isActual} onClick={toggle}>{l.actual}</button>}
            <button type="button" className="word" aria-pressed={info} onClick={() => setInfo(!info)}>{l.info}</button>
            <button type="button" className="word" onClick={acts.b}>{l.wall}</button>
            <Dialog.Close className="closer" aria-label={l.close}><CloseIcon /></Dialog.Close>
          </div>
          {info && (
            <div className="look-info">
              {assets.map((one) => (
                <div key={one._id}>
                  <p className="words">{one.title || one.prompt}</p>
                  <p className="facts">{words.detail.measures(one.width, one.height, one.sizeBytes)}</p>
                </div>
              ))}
            </div>
          )}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
