/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of a job. They have their final size from the start; each turns from wall to blur to sharp. */
import { useQuery } from "convex/react";
import { Link } from "../app/router";
import { api } from "../convex/_generated/api";
import { cut, filmLength } from "../format";
import { PlayIcon } from "../parts/icons";
import { Picture } from "../parts/Picture";
import { isAlive, isFilm, type AssetId, type Job } from "../types";
import { words } from "../words";
import { frameCount, frameProgress } from "./jobState";

const ALT_LIMIT = 120;

function Made({ id, job, place }: { id: AssetId; job: Job; place: number }) {
  const asset = useQuery(api.assets.getAsset, { assetId: id });
  if (asset === null) return <div className="print"><span className="hint">{words.stream.gone}</span></div>;
  if (asset === undefined) return <div className="print" />;
  const title = words.stream.open(cut(job.prompt, ALT_LIMIT), place + 1, job.imageIds.length);
  const length = asset.type === "video" ? filmLength(asset.duration ?? 0) : undefined;
  const name = length === undefined ? title : `${title}. ${words.library.film(length)}`;
  return (
    <Link className="print" href={`/library/${id}`} aria-label={name}>
      <Picture asset={asset} alt="" sizes="(min-width: 1800px) 340px, (min-width: 768px) 400px, 50vw" />
      {length !== undefined && <span className="badge"><PlayIcon /> {length}</span>}
    </Link>
  );
}

function Coming({ job, place }: { job: Job; place: number }) {
  const progress = frameProgress(job, place);
  const name = words.stream.frame(isFilm(job), place + 1);
  const active = isAlive(job) && job.status !== "pending" && place === job.imageIds.length;
  if (!active) {
    return (
      <div className="print">
        <span key="hint" className="hint">{name}<span>{job.status === "pending" ? words.stream.waiting : words.stream.next}</span></span>
      </div>
    );
  }
  const percent = progress === undefined ? undefined : Math.round(progress * 100);
  return (
    <div
      className="print" role="progressbar" aria-label={name} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100}
      aria-valuetext={percent === undefined ? words.stream.developing : words.stream.progress(percent)}
    >
      {progress === undefined ? (
        <span key="lamp" className="hint"><span className="lamp" /></span>
      ) : (
        <span key="hair" className="hair"><i style={{ transform: `scaleX(${progress})` }} /></span>
      )}
    </div>
  );
}

export function Frames({ job }: { job: Job }) {
  const places = isAlive(job) ? frameCount(job) : job.imageIds.length;
  const ratio = job.width / job.height;
  return (
    <div className={`four ${ratio < 0.85 ? "tall" : ""} ${ratio > 2.2 ? "broad" : ""}`} style={{ "--a": String(ratio || 1) }}>
      {Array.from({ length: places }, (_, place) => {
        const id = job.imageIds[place];
        return id === undefined ? <Coming key={place} job={job} place={place} /> : <Made key={place} id={id} job={job} place={place} />;
      })}
    </div>
  );
}
