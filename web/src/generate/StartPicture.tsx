/* SPDX-License-Identifier: Apache-2.0 */
/* A picture of one's own to start from, where the model can: chosen from the library, kept in the
   draft when the model changes, and how far to go from it. */
import { lazy, Suspense, useEffect, useState } from "react";
import { useWork } from "../app/live";
import { useStore } from "../app/store";
import { Button } from "../parts/Button";
import { Picture } from "../parts/Picture";
import type { Asset } from "../types";
import { UploadButton } from "../upload/Drop";
import { startWanted, uploads } from "../upload/queue";
import { words as uploadWords } from "../upload/words";
import { words } from "../words";
import { Slide } from "./Controls";
import { STRENGTH, type Change, type Draft } from "./draft";
import { needsPicture, startsFromPictures, type Plan } from "./plan";

const PicturePicker = lazy(() => import("./PicturePicker"));
const s = words.start;

interface Props {
  plan: Plan;
  draft: Draft;
  change: Change;
  fault?: string;
}

function Chosen({ work, onChoose, onRemove }: { work: Asset | null | undefined; onChoose: () => void; onRemove: () => void }) {
  return (
    <div className="start-row">
      {work ? <span className="print start-print" style={{ aspectRatio: `${work.width} / ${work.height}` }}><Picture asset={work} alt="" sizes="96px" /></span> : <span className="print start-print" />}
      <span className="start-text">
        {work === null ? <span className="alarm small">{s.gone}</span> : <span className="words clamp">{work?.prompt}</span>}
        <span className="wordlist small">
          <button type="button" id="start" className="word" onClick={onChoose}>{s.other}</button>
          <button type="button" className="word" onClick={onRemove}>{s.remove}</button>
        </span>
      </span>
    </div>
  );
}

/* A picture that is brought while this composer is open becomes its start; how that goes, in words. */
function useBrought(change: Change): string | undefined {
  const brought = useStore(uploads).filter((upload) => upload.isStart).at(-1);
  const arrived = brought?.assetId;
  useEffect(() => {
    startWanted.set(true);
    return () => startWanted.set(false);
  }, []);
  useEffect(() => {
    if (arrived) change({ start: arrived, strength: undefined });
  }, [arrived]);
  if (!brought || arrived) return undefined;
  return brought.phase === "failed" ? brought.fault : uploadWords.part(brought.sent, brought.file.size);
}

function Body({ plan, draft, change, fault, onChoose }: Props & { onChoose: () => void }) {
  const work = useWork(draft.start);
  const coming = useBrought(change);
  const remove = () => {
    change({ start: undefined, strength: undefined });
    setTimeout(() => document.getElementById("start")?.focus(), 0);
  };
  return (
    <>
      <span className="legend">{s.label}</span>
      {draft.start ? <Chosen work={work} onChoose={onChoose} onRemove={remove} /> : (
        <div className="rowline">
          <span className="wordlist">
            <Button id="start" onClick={onChoose} aria-describedby={fault ? "start-fault" : undefined}>{s.choose}</Button>
            <UploadButton />
          </span>
          {needsPicture(plan.model) && !fault && <span className="small quiet">{s.needs}</span>}
        </div>
      )}
      {coming && <p className="small quiet num" role="status">{s.coming} {coming}</p>}
      {fault && <p id="start-fault" className="wrong">{fault}</p>}
      {plan.strength !== undefined && (
        <Slide label={s.strength} range={STRENGTH} step={STRENGTH.step} value={plan.strength} onChange={(strength) => change({ strength })} />
      )}
    </>
  );
}

export function StartPicture(props: Props) {
  const { plan, draft, change } = props;
  const [choosing, setChoosing] = useState(false);
  if (!startsFromPictures(plan.model)) {
    return draft.start === undefined ? null : (
      <p className="small quiet">
        {s.cannot(plan.model.name)} <button type="button" className="word small" onClick={() => change({ start: undefined })}>{s.remove}</button>
      </p>
    );
  }
  const choose = (work: Asset) => {
    change({ start: work._id });
    setChoosing(false);
  };
  return (
    <div className="start">
      <Body {...props} onChoose={() => setChoosing(true)} />
      {choosing && <Suspense><PicturePicker chosen={draft.start} onChoose={choose} onClose={() => setChoosing(false)} /></Suspense>}
    </div>
  );
}
