/* SPDX-License-Identifier: Apache-2.0 */
/* A work and all that is known of it: beside the grid, as a sheet below 1024, alone when opened directly. */
import { useQuery } from "convex/react";
import { lazy, Suspense, useState, type KeyboardEvent, type ReactNode } from "react";
import { useModels, useNow } from "../app/live";
import { Link } from "../app/router";
import { api } from "../convex/_generated/api";
import { filmLength, moment } from "../format";
import { Button } from "../parts/Button";
import { CloseIcon, NextIcon, PreviousIcon } from "../parts/icons";
import { ReceiptRows } from "../parts/ReceiptRows";
import { Words } from "../parts/Words";
import type { Asset, Job, JobId } from "../types";
import { words } from "../words";
import { canMark, canUseAgain, download, downloadStamped, mark, startAddress, useAgainAddress } from "./acts";
import { nameOf } from "./Tile";
import { words as own } from "./words";

const Receipt = lazy(() => import("../parts/Receipt"));

const FRAME = 1 / 24;

/* Native controls, and the comma and full stop keys for single frames. */
function Film({ asset }: { asset: Asset }) {
  const step = (event: KeyboardEvent<HTMLVideoElement>) => {
    const by = { ",": -FRAME, ".": FRAME }[event.key];
    if (by === undefined) return;
    event.currentTarget.pause();
    event.currentTarget.currentTime += by;
    event.preventDefault();
  };
  return (
    <video
      className="detail-film" src={asset.playbackUrl || asset.url} poster={asset.displayUrl || asset.thumbnailUrl || undefined} controls loop playsInline preload="metadata"
      width={asset.width} height={asset.height} aria-label={nameOf(asset)} onKeyDown={step}
    />
  );
}

function Still({ asset, onLook }: { asset: Asset; onLook: () => void }) {
  return (
    <button type="button" className="look" aria-label={words.detail.openFull} onClick={onLook}>
      <img
        key={asset._id} src={asset.displayUrl ?? asset.url} width={asset.width} height={asset.height} alt={nameOf(asset)}
        style={{ backgroundImage: asset.blurDataUrl ? `url("${asset.blurDataUrl}")` : undefined }}
      />
    </button>
  );
}

function settingsOf(job: Job | null | undefined): string | undefined {
  const parts = [
    job?.steps !== undefined && words.detail.steps(job.steps),
    job?.guidance !== undefined && words.detail.guidance(job.guidance),
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(", ") : undefined;
}

function madeIn(job: Job | null | undefined): string {
  if (job?.completedAt === undefined || job.startedAt === undefined) return "";
  return `, ${words.detail.in((job.completedAt - job.startedAt) / 1000)}`;
}

function Facts({ asset, job }: { asset: Asset; job: Job | null | undefined }) {
  const models = useModels();
  const now = useNow(60_000);
  const d = words.detail;
  const model = models?.find((one) => one.modelId === asset.model)?.name ?? asset.model;
  const facts: [string, string | undefined][] = [
    [asset.generationId || asset.model ? d.made : own.uploaded, moment(asset.createdAt, now) + madeIn(job)],
    [d.model, model],
    [d.size, asset.error ? undefined : d.measures(asset.width, asset.height, asset.sizeBytes)],
    [d.length, asset.duration === undefined ? undefined : filmLength(asset.duration)],
    [d.seed, asset.seed === undefined ? undefined : String(asset.seed)],
    [d.settings, settingsOf(job)],
    [d.leftOut, asset.negativePrompt || undefined],
  ];
  return (
    <dl className="meta">
      {facts.map(([name, value]) => value && <div key={name}><dt>{name}</dt><dd className={name === d.leftOut ? "words" : undefined}>{value}</dd></div>)}
    </dl>
  );
}

/* Everything it was made with, back in the composer: ours from its job, another tool's from its file. */
function Recall({ asset }: { asset: Asset }) {
  const known = asset.generationId || asset.prompt;
  if (!canUseAgain(asset)) return null;
  return <Link className="button main" href={useAgainAddress(asset)}>{known ? words.library.useAgain : own.embedded.use}</Link>;
}

/* What an uploaded file says of its making. */
function Embedded({ asset: { embedded, hasCredentials } }: { asset: Asset }) {
  const e = own.embedded;
  const d = words.detail;
  if (!embedded) return hasCredentials ? <p className="facts">{e.credentials}</p> : null;
  const settings = [
    embedded.steps !== undefined && d.steps(embedded.steps), embedded.guidance !== undefined && d.guidance(embedded.guidance), embedded.sampler,
  ].filter(Boolean).join(", ");
  const facts: [string, string | undefined][] = [
    [d.model, embedded.model], [d.seed, embedded.seed === undefined ? undefined : String(embedded.seed)], [d.settings, settings || undefined],
    [d.leftOut, embedded.negativePrompt],
  ];
  return (
    <section className="embedded" aria-label={e.title(e.tools[embedded.tool])}>
      <p className="legend">{e.title(e.tools[embedded.tool])}</p>
      {embedded.prompt && <Words text={embedded.prompt} />}
      <dl className="meta">
        {facts.map(([name, value]) => value && <div key={name}><dt>{name}</dt><dd className={name === d.leftOut ? "words" : undefined}>{value}</dd></div>)}
      </dl>
      {embedded.isGenerated && !embedded.prompt && <p className="facts">{e.generated}</p>}
      {hasCredentials && <p className="facts">{e.credentials}</p>}
    </section>
  );
}

interface Props {
  asset: Asset | null | undefined;
  alone: boolean;
  place?: string;
  previous?: string;
  next?: string;
  onClose: () => void;
  onLook: (asset: Asset) => void;
  onDelete: (asset: Asset) => void;
}

function Head({ place, previous, next, onClose, alone, big, onBig }: Props & { big: boolean; onBig: () => void }) {
  const d = words.detail;
  const step = (href: string | undefined, name: string, icon: ReactNode) =>
    href ? (
      <Link className="closer" href={href} stay replace aria-label={name}>{icon}</Link>
    ) : (
      <span className="closer" role="link" aria-disabled="true" aria-label={name}>{icon}</span>
    );
  if (alone) return <div className="rowline detail-head"><Link className="word" href="/library"><PreviousIcon /> {d.back}</Link></div>;
  return (
    <div className="rowline detail-head">
      <span className="quiet small num">{place}</span>
      <button type="button" className="word small detent" aria-expanded={big} onClick={onBig}>{big ? d.smaller : d.bigger}</button>
      <span className="steps">
        {step(previous, d.previous, <PreviousIcon />)}
        {step(next, d.next, <NextIcon />)}
        <button type="button" className="closer" aria-label={d.close} onClick={onClose}><CloseIcon /></button>
      </span>
    </div>
  );
}

export function Detail(props: Props) {
  const { asset, alone, onLook, onDelete } = props;
  const [big, setBig] = useState(false);
  const [bill, setBill] = useState(false);
  const canStart = (useModels() ?? []).some((model) => model.capabilities.image !== "no") && asset?.type === "image";
  const generation = asset?.generationId as JobId | undefined;
  const job = useQuery(api.generations.getGenerationJob, generation ? { jobId: generation } : "skip");
  return (
    <aside
      id="detail" className={alone ? "detail alone" : big ? "detail big" : "detail"} aria-label={words.detail.label} tabIndex={-1}
    >
      {alone && <h1 className="sr">{words.pages.work}</h1>}
      <Head {...props} big={big} onBig={() => setBig(!big)} />
      {asset === null && <div className="empty"><p className="words">{words.detail.missing}</p><Link className="button" href="/library">{words.detail.back}</Link></div>}
      {asset && (
        <>
          {!asset.error && <div className="wallbox" style={{ "--a": String(asset.width / asset.height) }}>
            {asset.type === "video" ? <Film key={asset._id} asset={asset} /> : <Still asset={asset} onLook={() => onLook(asset)} />}
          </div>}
          <div className="detail-text">
            <Words key={asset._id} text={asset.title || asset.prompt || words.detail.untitled} />
            {asset.error && <p className="wrong">{asset.error}</p>}
            <div className="detail-acts">
              {!asset.error && <>
                <Recall asset={asset} />
                {canStart && <Link className="button" href={startAddress(asset)}>{words.start.act}</Link>}
                <Button onClick={() => download(asset)}>{words.library.download}</Button>
              </>}
              <Button onClick={() => onDelete(asset)}>{words.library.remove}</Button>
            </div>
            {!asset.error && canMark(asset) && <button type="button" className="word" aria-pressed={asset.isFavorite} onClick={() => void mark(asset)}>{own.mark.act}</button>}
            <Facts asset={asset} job={job} />
            <Embedded asset={asset} />
            {job && <ReceiptRows job={job} />}
            {generation && <button type="button" className="word linked small" onClick={() => void downloadStamped(asset)}>{own.stamped}</button>}
            {job && <button type="button" className="word linked small" onClick={() => setBill(true)}>{words.receipt.title}</button>}
            {job && bill && <Suspense><Receipt jobId={job._id} onClose={() => setBill(false)} /></Suspense>}
          </div>
        </>
      )}
    </aside>
  );
}
