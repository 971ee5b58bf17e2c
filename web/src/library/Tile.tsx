/* SPDX-License-Identifier: Apache-2.0 */
/* One work in the grid. Its acts show on hover or focus; keys and the detail offer the same. */
import { memo, useEffect, useRef, useState } from "react";
import { Link } from "../app/router";
import { cut, filmLength } from "../format";
import { PlayIcon } from "../parts/icons";
import { Picture } from "../parts/Picture";
import type { Asset } from "../types";
import { words } from "../words";
import { download, useAgainAddress } from "./acts";

const ALT_LIMIT = 120;
const HOVER_BEFORE_PLAY = 300;

export const nameOf = (asset: Asset) => cut(asset.prompt || words.detail.untitled, ALT_LIMIT);

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
      {playing && <video className="preview" src={asset.url} muted autoPlay loop playsInline aria-hidden="true" tabIndex={-1} />}
      <span ref={anchor} className="badge"><PlayIcon /> {filmLength(asset.duration ?? 0)}</span>
    </>
  );
}

interface Props {
  asset: Asset;
  index: number;
  left: number;
  width: number;
  height: number;
  column: number;
  href: string;
  tabbable: boolean;
  selected: boolean;
  first: boolean;
  onDelete: (asset: Asset) => void;
  onFocus: (index: number) => void;
}

export const TileView = memo(function TileView(props: Props) {
  const { asset, index, left, width, height, column, href, tabbable, selected, first, onDelete, onFocus } = props;
  const film = asset.type === "video";
  const name = film ? `${nameOf(asset)}. ${words.library.film(filmLength(asset.duration ?? 0))}` : nameOf(asset);
  return (
    <div
      role="gridcell" aria-colindex={column} aria-selected={selected} className={selected ? "cell selected" : "cell"}
      style={{ width, height, transform: `translateX(${left}px)` }}
    >
      <Link
        className="print" href={href} stay data-index={index} tabIndex={tabbable ? 0 : -1} aria-label={name}
        onFocus={() => onFocus(index)}
      >
        <Picture asset={asset} alt="" sizes={`${width}px`} first={first} />
        {film && <Film asset={asset} />}
      </Link>
      {width > 130 && (
        <div className="over" aria-hidden="true">
          <p className="words">{cut(asset.prompt ?? "", 60)}</p>
          {width > 200 && <p className="over-acts">
            <Link href={useAgainAddress(asset)} tabIndex={-1}>{words.library.useAgain}</Link>
            <button type="button" tabIndex={-1} onClick={() => download(asset)}>{words.library.download}</button>
            <button type="button" tabIndex={-1} onClick={() => onDelete(asset)}>{words.library.remove}</button>
          </p>}
        </div>
      )}
    </div>
  );
});
