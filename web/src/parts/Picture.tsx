/* SPDX-License-Identifier: Apache-2.0 */
/* A picture in its frame: the blur at once, then the thumbnail for this screen's density, faded in.
   The frame's size is the caller's; nothing here can move the page. */
import { useState } from "react";
import type { Asset } from "../types";
import { words } from "../words";

const THUMBNAIL_BOX = 400;
const DISPLAY_BOX = 2560;

const widthIn = (box: number, { width, height }: Asset) => Math.max(1, Math.round(width * Math.min(1, box / Math.max(width, height, 1))));

/* The thumbnail fits a box of 400 x 400, the display rendition one of 2560; the larger is used where the smaller would look soft. */
function sources(asset: Asset): string | undefined {
  if (!asset.thumbnailUrl || asset.type === "video") return undefined;
  const large = asset.displayUrl ? `${asset.displayUrl} ${widthIn(DISPLAY_BOX, asset)}w` : `${asset.url} ${Math.max(1, asset.width)}w`;
  return `${asset.thumbnailUrl} ${widthIn(THUMBNAIL_BOX, asset)}w, ${large}`;
}

interface Props {
  asset: Asset;
  alt: string;
  /* The width it is shown at, as the img element's sizes. */
  sizes: string;
  first?: boolean;
}

export function Picture({ asset, alt, sizes, first }: Props) {
  const [state, setState] = useState<"coming" | "here" | "lost">("coming");
  const [attempt, setAttempt] = useState(0);
  return (
    <>
      {asset.blurDataUrl && (
        <span className="haze" style={{ backgroundImage: `url("${asset.blurDataUrl}")` }} />
      )}
      {state === "lost" ? (
        <span className="hint">
          {words.library.notLoaded}
          <button
            type="button"
            className="word"
            onClick={(event) => {
              event.preventDefault();
              setState("coming");
              setAttempt(attempt + 1);
            }}
          >
            {words.retry}
          </button>
        </span>
      ) : (
        <img
          key={attempt}
          ref={(image) => {
            if (image?.complete && image.naturalWidth > 0 && state === "coming") setState("here");
          }}
          className={state === "here" ? "develop here" : "develop"}
          src={asset.thumbnailUrl || asset.url}
          srcSet={sources(asset)}
          sizes={sizes}
          width={asset.width}
          height={asset.height}
          alt={alt}
          decoding="async"
          draggable={false}
          fetchPriority={first ? "high" : "auto"}
          onLoad={() => setState("here")}
          onError={() => setState("lost")}
        />
      )}
    </>
  );
}
