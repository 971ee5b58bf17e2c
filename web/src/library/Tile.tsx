/* SPDX-License-Identifier: Apache-2.0 */
/* One work in the grid: its frame at once, the work itself when it is there. Its acts show on hover or
   focus; keys and the detail offer the same. */
import { memo, useEffect, useRef, useState, type MouseEvent } from "react";
import { Link } from "../app/router";
import { cut, filmLength } from "../format";
import { PlayIcon, TickIcon } from "../parts/icons";
import { Picture } from "../parts/Picture";
import type { Asset, Spot } from "../types";
import { words } from "../words";
import { isExtreme } from "./justify";
import { canUseAgain, download, useAgainAddress } from "./acts";
import { words as own } from "./words";

const ALT_LIMIT = 120;
const HOVER_BEFORE_PLAY = 300;
const ROOM_FOR_WORDS = 130;
const ROOM_FOR_ACTS = 200;

export const nameOf = (asset: Asset) => cut(asset.title || asset.prompt || words.detail.untitled, ALT_LIMIT);

function Film({ asset }: { asset: Asset }) {
  const [playing, setPlaying] = useState(false);
  const anchor = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const cell = anchor.current?.closest(".cell");
    const still = matchMedia("(prefers-reduced-motion: reduce), (hover: none)").matches;
    if (!cell || still) return;
    let timer = 0;
    const enter = () => (timer = window.setTimeout(() => setPlaying(true), HOVER_BEFORE_PLAY));
    const leave = () => {
      clearTimeout(timer);
      setPlaying(false);
    };
    cell.addEventListener("pointerenter", enter);
    cell.addEventListener("pointerleave", leave);
    return () => {
      leave();
      cell.removeEventListener("pointerenter", enter);
      cell.removeEventListener("pointerleave", leave);
    };
  }, []);
  return (
    <>
      {playing && <video className="preview" src={asset.previewUrl || asset.playbackUrl || asset.url} muted autoPlay loop playsInline aria-hidden="true" tabIndex={-1} />}
      <span ref={anchor} className="badge"><PlayIcon /> {asset.duration !== undefined && filmLength(asset.duration)}</span>
    </>
  );
}

/* What the grid does for its tiles; the same object as long as the grid lives. */
export interface TileActs {
  focused: (index: number) => void;
  pick: (index: number) => void;
  pickTo: (index: number) => void;
  remove: (index: number) => void;
}

interface Props {
  spot: Spot;
  asset: Asset | undefined;
  index: number;
  left: number;
  width: number;
  height: number;
  column: number;
  href: string;
  tabbable: boolean;
  opened: boolean;
  picked: boolean;
  /* Something is picked, or is to be: a press picks instead of opening. */
  picking: boolean;
  first: boolean;
  acts: TileActs;
}

function nameWith({ spot, asset }: Props): string {
  if (!asset) return own.frame[spot.type];
  if (asset.error) return `${nameOf(asset)}. ${asset.error}`;
  return asset.type === "video" ? `${nameOf(asset)}. ${words.library.film(filmLength(asset.duration ?? 0))}` : nameOf(asset);
}

/* There is nothing to see or keep: the one act is always there. */
function Refused({ asset, index, acts }: Props & { asset: Asset }) {
  return (
    <div className="over refused">
      <p className="over-acts">
        <button type="button" tabIndex={-1} aria-label={own.refused.act(nameOf(asset))} onClick={() => acts.remove(index)}>{words.library.remove}</button>
      </p>
    </div>
  );
}

function Over({ asset, index, width, acts }: Props & { asset: Asset }) {
  return (
    <div className="over" aria-hidden="true">
      <p className="words">{cut(asset.title || asset.prompt || "", 60)}</p>
      {asset.isFavorite && <p>{own.mark.act}</p>}
      {width > ROOM_FOR_ACTS && <p className="over-acts">
        {canUseAgain(asset) && <Link href={useAgainAddress(asset)} tabIndex={-1}>{words.library.useAgain}</Link>}
        <button type="button" tabIndex={-1} onClick={() => download(asset)}>{words.library.download}</button>
        <button type="button" tabIndex={-1} onClick={() => acts.remove(index)}>{words.library.remove}</button>
      </p>}
    </div>
  );
}

/* An upload is looked into first, and may be refused. */
function Inside({ asset, width, first }: { asset: Asset; width: number; first: boolean }) {
  if (asset.error) return <span className="hint alarm refused">{asset.error}</span>;
  if (asset.isProcessing && !asset.thumbnailUrl) return <span className="hint">{own.preparing}</span>;
  const moves = asset.type === "video" || asset.previewUrl;
  return (
    <>
      <Picture asset={asset} alt="" sizes={`${width}px`} first={first} />
      {moves && <Film asset={asset} />}
    </>
  );
}

export const TileView = memo(function TileView(props: Props) {
  const { asset, index, left, width, height, column, href, tabbable, opened, picked, picking, first, acts } = props;
  /* Enter on a link arrives as a click of no pointer: it opens, whatever is picked. */
  const press = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.altKey || event.detail === 0) return;
    if (!event.shiftKey && !picking) return;
    event.preventDefault();
    if (event.shiftKey) acts.pickTo(index);
    else acts.pick(index);
  };
  return (
    <div
      role="gridcell" aria-colindex={column} aria-selected={picked} className={`cell${picked ? " picked" : ""}${opened ? " opened" : ""}${isExtreme(props.spot) ? " extreme" : ""}`}
      style={{ width, height, transform: `translateX(${left}px)` }}
    >
      <Link
        className="print" href={href} stay data-index={index} tabIndex={tabbable ? 0 : -1} aria-label={nameWith(props)}
        aria-current={opened || undefined} draggable={false} onClick={press} onFocus={() => acts.focused(index)}
      >
        {asset && <Inside asset={asset} width={width} first={first} />}
      </Link>
      {/* A frame that is flung past is a frame only. */}
      {(asset || picking) && <button
        type="button" className="pick" tabIndex={-1} aria-hidden="true" title={own.picks.pick}
        onClick={(event) => (event.shiftKey ? acts.pickTo(index) : acts.pick(index))}
      >
        <i><TickIcon /></i>
      </button>}
      {asset?.error && !picking && <Refused {...props} asset={asset} />}
      {asset && !asset.error && width > ROOM_FOR_WORDS && !picking && <Over {...props} asset={asset} />}
    </div>
  );
});
