/* SPDX-License-Identifier: Apache-2.0 */
/* Lies over the filters while something is picked, or is to be, and stays in view wherever one scrolls:
   over the page, so that nothing moves when it comes. */
import { words } from "./words";

interface Props {
  count: number;
  bytes: number;
  /* The archive is being prepared. */
  busy: boolean;
  fault?: string;
  onAll: () => void;
  onDownload: () => void;
  onCompare?: () => void;
  onDelete: () => void;
  onClear: () => void;
}

export function BulkBar({ count, bytes, busy, fault, onAll, onDownload, onCompare, onDelete, onClear }: Props) {
  const p = words.picks;
  const word = (name: string, act: () => void, waits?: boolean) => (
    <button type="button" className={waits ? "word wait" : "word"} aria-busy={waits || undefined} onClick={waits ? undefined : act}>{name}</button>
  );
  return (
    <div className="picks-place">
      <div className="picks" role="group" aria-label={p.label}>
        <b className="num">{p.count(count, bytes)}</b>
        <div className="wordlist push">
          {word(p.all, onAll)}
          {onCompare && word(p.compare, onCompare)}
          {count > 0 && word(p.download, onDownload, busy)}
          {count > 0 && word(p.remove, onDelete)}
          {word(count > 0 ? p.clear : p.end, onClear)}
        </div>
        {fault && <p className="wrong" role="alert">{fault}</p>}
      </div>
    </div>
  );
}
