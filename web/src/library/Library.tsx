/* SPDX-License-Identifier: Apache-2.0 */
/* /library and /library/:id: the grid, and the chosen work beside it. The address is the selection. */
import { useQuery } from "convex/react";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { isOffline, useWork } from "../app/live";
import { Link, cameFromInside, navigate, usePlace } from "../app/router";
import { client } from "../app/session";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import { number } from "../format";
import type { Asset, AssetId, Spot } from "../types";
import { UploadButton } from "../upload/Drop";
import { Incoming } from "../upload/Incoming";
import { words } from "../words";
import { canMark, download, mark } from "./acts";
import { BulkBar } from "./BulkBar";
import { useChoice, type Choice } from "./choice";
import type { Doomed } from "./DeleteDialog";
import { Detail } from "./Detail";
import { FilterLine } from "./FilterLine";
import { Grid } from "./Grid";
import { useDownload } from "./useDownload";
import { usePicks } from "./usePicks";
import { useShelf } from "./useShelf";
import { useWorks } from "./useWorks";
import { words as own } from "./words";

const DeleteDialog = lazy(() => import("./DeleteDialog"));
const Lightbox = lazy(() => import("./Lightbox"));

const NEAR_END = 6;
const COMPARED_MAX = 4;

/* What the meter says there is, before all of it is loaded; of a search nobody knows. */
function useTotal({ shelf, words: sought }: Choice): number | undefined {
  const { sort: _sort, order: _order, searchTerm: _term, ...counted } = shelf;
  return useQuery(api.assets.countAssets, sought ? "skip" : counted);
}

/* The tile at this place, or the page if there is none: never nothing. */
function focusIndex(index: number, preventScroll = true) {
  const tile = document.querySelector<HTMLElement>(`[data-index="${index}"]`);
  (tile ?? document.getElementById("main"))?.focus({ preventScroll });
}

/* The grid's one tab stop. It follows its work when newer ones arrive before it. */
function useTabStop(spots: Spot[], indexOf: ReadonlyMap<AssetId, number>) {
  const [stop, setStop] = useState<{ id?: AssetId; index: number }>({ index: 0 });
  const latest = useRef(spots);
  latest.current = spots;
  const note = useCallback((index: number) => setStop({ id: latest.current[index]?._id, index }), []);
  const found = stop.id === undefined ? undefined : indexOf.get(stop.id);
  return { focus: found ?? Math.max(0, Math.min(stop.index, spots.length - 1)), note };
}

/* Which works are asked about before they are deleted, and where the focus goes after. */
function useDeletion(spots: Spot[], indexOf: ReadonlyMap<AssetId, number>, open: string | undefined, close: () => void) {
  const [asked, setAsked] = useState<Doomed[]>();
  const leave = (doomed: Doomed[], gone: boolean) => {
    const index = Math.min(...doomed.map((work) => indexOf.get(work._id) ?? 0));
    const inDetail = open !== undefined && doomed.some((work) => work._id === open);
    setAsked(undefined);
    if (gone && inDetail) close();
    setTimeout(() => {
      if (inDetail && !gone) document.getElementById("detail")?.focus();
      else focusIndex(gone ? Math.max(0, Math.min(index, spots.length - doomed.length - 1)) : index);
    }, 50);
  };
  /* With what was refused nothing is lost: it goes unasked. If that fails, the dialog says why. */
  const dismiss = async (work: Doomed) => {
    try {
      if (isOffline()) return setAsked([work]);
      await client.mutation(api.assets.deleteAsset, { assetId: work._id });
      reply(own.refused.said);
      leave([work], true);
    } catch {
      setAsked([work]);
    }
  };
  const begin = (work: Doomed, refused: boolean) => (refused ? void dismiss(work) : setAsked([work]));
  return { asked, setAsked, begin, done: (gone: boolean) => leave(asked ?? [], gone) };
}

/* Closes one level, from anywhere on the page, also where nothing has the focus; not from a dialog over it. */
function useEscape(close: (() => void) | undefined) {
  const latest = useRef(close);
  latest.current = close;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const inside = target === document.body || target.closest("main") !== null;
      if (event.key !== "Escape" || event.defaultPrevented || !inside || !latest.current) return;
      event.preventDefault();
      latest.current();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

const useIndex = (spots: Spot[]) => useMemo(() => new Map(spots.map((spot, index) => [spot._id, index] as const)), [spots]);

export default function Library() {
  const { path, query } = usePlace();
  const open = path.split("/")[2] as AssetId | undefined;
  const choice = useChoice(query);
  const [goesOn, setGoesOn] = useState(false);
  const { spots, first, complete, more } = useShelf(choice.shelf, goesOn);
  const indexOf = useIndex(spots);
  const [range, setRange] = useState({ from: 0, to: 0 });
  const zip = useDownload();
  const [looking, setLooking] = useState<AssetId>();
  const lookedAt = looking === undefined ? undefined : indexOf.get(looking);
  const { workOf, hasAny, goesOn: served } = useWorks(choice.shelf, spots, lookedAt === undefined ? range : { from: lookedAt - NEAR_END, to: lookedAt + NEAR_END });
  if (served && !goesOn) setGoesOn(true);
  const [alone, setAlone] = useState(open !== undefined && !cameFromInside());
  const { focus, note } = useTabStop(spots, indexOf);
  const picks = usePicks(spots, indexOf);
  const [begun, setBegun] = useState(false);
  const picking = begun || picks.ids.size > 0;
  const search = query.size > 0 ? `?${query}` : "";
  const addressOf = useCallback((id?: AssetId) => `/library${id ? `/${id}` : ""}${search}`, [search]);
  const deletion = useDeletion(spots, indexOf, open, () => navigate(addressOf(), { replace: true, stay: true }));
  const onRange = useCallback((from: number, to: number) => setRange({ from, to }), []);

  const index = open === undefined ? -1 : (indexOf.get(open) ?? -1);
  const here = workOf(open);
  /* It says more than the grid's: what an uploaded file tells of its making. */
  const fetched = useWork(open);
  const asset = open ? (fetched === undefined ? here : fetched) : undefined;
  const looked = useLooked(looking, workOf(looking), asset);
  const [comparing, setComparing] = useState(false);
  const around = (by: number) => spots[index + by] && addressOf(spots[index + by]!._id);
  const doomed = (spot: Spot): Doomed => ({ _id: spot._id, sizeBytes: spot.bytes, type: spot.type, prompt: workOf(spot._id)?.prompt });
  const isRefused = (spot: Spot) => Boolean(workOf(spot._id)?.error);
  const chosen = useMemo(() => (picks.ids.size > 0 ? spots.filter((spot) => picks.ids.has(spot._id)) : []), [spots, picks.ids]);

  const compared = chosen.length >= 2 && chosen.length <= COMPARED_MAX && chosen.every((spot) => spot.type === "image") ? chosen.map((spot) => spot._id) : [];
  const sides = useQuery(api.assets.getMany, comparing && compared.length > 0 ? { assetIds: compared } : "skip");

  useEffect(() => {
    if (open !== undefined || !alone) return;
    setAlone(false);
    document.getElementById("main")?.focus({ preventScroll: true });
  }, [open, alone]);
  const close = () => {
    navigate(addressOf(), { stay: true });
    setTimeout(() => focusIndex(index >= 0 ? index : focus), 0);
  };
  const step = (by: -1 | 1) => {
    const to = (lookedAt ?? -1) + by;
    const next = spots[to];
    if (to >= spots.length - NEAR_END) more();
    if (!next) return;
    setLooking(next._id);
    note(to);
    if (open) navigate(addressOf(next._id), { replace: true, stay: true });
  };
  const closeLook = () => {
    const at = lookedAt;
    setLooking(undefined);
    setTimeout(() => (open ? document.getElementById("detail")?.focus() : focusIndex(at ?? focus, false)), 50);
  };
  /* Deleted in another tab while it was looked at. */
  const vanished = looking !== undefined && looked === null;
  useEffect(() => {
    if (vanished) closeLook();
  }, [vanished]);
  const begin = () => {
    setBegun(true);
    focusIndex(focus);
  };
  const pickNone = () => {
    picks.clear();
    setBegun(false);
    zip.forget();
    focusIndex(focus);
  };
  useEscape(picking ? pickNone : open !== undefined && !alone ? close : undefined);
  /* Keys are about what is picked, or else about the work that has the focus. */
  const removeAt = (at: number) => (chosen.length > 0 ? deletion.setAsked(chosen.map(doomed)) : deletion.begin(doomed(spots[at]!), isRefused(spots[at]!)));
  const fetchAt = (at: number) => {
    const asset = workOf(spots[at]!._id);
    if (chosen.length > 0) void zip.start(chosen.map((spot) => spot._id));
    else if (asset && !asset.error) download(asset);
  };
  const markAt = (at: number) => {
    const asset = workOf(spots[at]!._id);
    if (asset && !asset.error && canMark(asset)) void mark(asset);
  };
  const told = useTotal(choice);
  const isEmpty = complete && spots.length === 0 && !choice.isPart;
  const total = complete ? spots.length : told && Math.max(told, spots.length);

  return (
    <main id="main" className={`shelf${alone ? " lone" : open ? " opened" : ""}${picking ? " picking" : ""}`} tabIndex={-1}>
      {!alone && (
        <div className="page">
          <div className="pagehead">
            <h1>{words.pages.library}</h1>
            {spots.length > 0 && <span className="quiet num">{total === undefined ? words.library.manyWorks(spots.length) : words.library.works(total)}</span>}
            {!isEmpty && <FilterLine choice={choice} hidden={picking} onPick={begin} />}
            {/* There from the start, so that nothing moves when works come; an empty library offers it below. */}
            {!isEmpty && <span className={picking ? "bring away" : "bring"}><UploadButton /></span>}
          </div>
          {picking && (
            <BulkBar
              count={chosen.length} bytes={chosen.reduce((sum, spot) => sum + spot.bytes, 0)} busy={zip.busy} fault={zip.fault}
              onAll={picks.all} onDownload={() => void zip.start(chosen.map((spot) => spot._id))} onDelete={() => deletion.setAsked(chosen.map(doomed))}
              onCompare={compared.length > 0 ? () => setComparing(true) : undefined}
              onClear={pickNone}
            />
          )}
          <Incoming />
          {first && <div className="waiting" aria-hidden="true">{Array.from({ length: 12 }, (_, index) => <i key={index} />)}</div>}
          {!first && complete && spots.length === 0 && (
            <div className="empty">
              <p className="words">{choice.words ? own.search.none(choice.words) : choice.isPart ? words.library.emptyKind : words.library.empty}</p>
              {choice.isPart ? <Link className="button" href="/library">{own.search.clear}</Link> : (
                <span className="wordlist"><Link className="button main" href="/generate">{words.library.emptyAct}</Link><UploadButton /></span>
              )}
            </div>
          )}
          {spots.length > 0 && (
            <Grid
              spots={spots} workOf={workOf} hasAny={hasAny} sort={choice.sort} complete={complete} opened={open} openedAt={index} focus={focus} picks={picks} picking={picking} addressOf={addressOf}
              onFocus={note} onLook={(at) => !isRefused(spots[at]!) && setLooking(spots[at]!._id)} onDelete={removeAt} onDownload={fetchAt} onMark={markAt} onRange={onRange} onNearEnd={more}
            />
          )}
        </div>
      )}
      {open && (
        <Detail
          asset={asset} alone={alone} place={index >= 0 ? words.detail.place(index + 1, total === undefined ? words.library.moreThan(spots.length) : number(total)) : ""} previous={around(-1)} next={around(1)}
          onClose={close} onLook={(work) => setLooking(work._id)} onDelete={(work) => deletion.begin(work, Boolean(work.error))}
        />
      )}
      <Suspense>
        {deletion.asked && <DeleteDialog works={deletion.asked} onDone={deletion.done} />}
        {sides && <Lightbox assets={sides} onClose={() => { setComparing(false); setTimeout(() => focusIndex(focus), 50); }} />}
        {looked && <Lightbox assets={[looked]} onStep={spots.length > 1 ? step : undefined} onClose={closeLook} />}
      </Suspense>
    </main>
  );
}

/* The work in the large view, wherever it is known from, the one before until it is here; null: there is
   none any more. */
function useLooked(id: AssetId | undefined, near: Asset | undefined, opened: Asset | null | undefined): Asset | null | undefined {
  const known = near ?? (opened?._id === id ? opened : undefined);
  const fetched = useWork(id !== undefined && !known ? id : undefined);
  const last = useRef<Asset | null>(undefined);
  if (id === undefined) last.current = undefined;
  else last.current = known ?? (fetched === undefined ? last.current : fetched);
  return last.current;
}
