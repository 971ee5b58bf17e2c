/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in the place of the filters while something is picked, or is to be. */
import { Button } from "../parts/Button";
import { words } from "./words";

interface Props {
  count: number;
  bytes: number;
  busy?: boolean;
  fault?: string;
  onAll: () => void;
  onDownload?: () => void;
  onCompare?: () => void;
  onDelete: () => void;
  onClear: () => void;
}

export function BulkBar({ count, bytes, busy, fault, onAll, onDownload, onCompare, onDelete, onClear }: Props) {
  const p = words.picks;
  return (
    <div className="picks" role="group" aria-label={p.label}>
      <b className="num">{p.count(count, bytes)}</b>
      <div className="wordlist">
        <button type="button" className="word" onClick={onAll}>{p.all}</button>
        {onCompare && <button type="button" className="word" onClick={onCompare}>{p.compare}</button>}
        {onDownload && count > 0 && <button type="button" className="word" aria-busy={busy || undefined} onClick={onDownload}>{p.download}</button>}
        {count > 0 && <button type="button" className="word" onClick={onDelete}>{p.remove}</button>}
      </div>
      <Button look="plain" onClick={onClear}>{count > 0 ? p.clear : p.end}</Button>
      {fault && <p className="wrong" role="alert">{fault}</p>}
    </div>
  );
}
