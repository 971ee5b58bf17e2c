/* SPDX-License-Identifier: Apache-2.0 */
/* /library and /library/:id: the grid, and the chosen work beside it. The address is the selection. */
import * as Radio from "@radix-ui/react-radio-group";
import { usePaginatedQuery } from "convex/react";
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { useMe, useWork } from "../app/live";
import { Link, cameFromInside, navigate, usePlace, withQuery } from "../app/router";
import { number } from "../format";
import { worksByPage, type Asset, type AssetId } from "../types";
import { words } from "../words";
import { Detail } from "./Detail";
import { Grid } from "./Grid";

const DeleteDialog = lazy(() => import("./DeleteDialog"));
const Lightbox = lazy(() => import("./Lightbox"));

const PAGE = 60;
const NEAR_END = 6;
type Type = "image" | "video";

const typeOf = (query: URLSearchParams): Type | undefined => {
  const type = query.get("type");
  return type === "image" || type === "video" ? type : undefined;
};

function useWorks(type: Type | undefined) {
  const { results, status, loadMore } = usePaginatedQuery(worksByPage, type ? { type } : {}, { initialNumItems: PAGE });
  const can = useRef(false);
  can.current = status === "CanLoadMore";
  const more = useCallback(() => {
    if (can.current) loadMore(PAGE);
    can.current = false;
  }, [loadMore]);
  return { works: results, first: status === "LoadingFirstPage", complete: status === "Exhausted", more };
}

/* What the account says there is, before all of it is loaded. */
function useTotal(type: Type | undefined): number | undefined {
  const me = useMe();
  if (!me) return undefined;
  if (type === "image") return me.imageCount;
  if (type === "video") return me.videoCount;
  return me.imageCount === undefined || me.videoCount === undefined ? undefined : me.imageCount + me.videoCount;
}

function Filter({ type }: { type: Type | undefined }) {
  const l = words.library;
  const choose = (value: string) => navigate(withQuery("type", value === "all" ? undefined : value), { replace: true });
  return (
    <Radio.Root className="wordlist push" aria-label={l.kind} orientation="horizontal" value={type ?? "all"} onValueChange={choose}>
      <Radio.Item className="word" value="all">{l.everything}</Radio.Item>
      <Radio.Item className="word" value="image">{l.onlyPictures}</Radio.Item>
      <Radio.Item className="word" value="video">{l.onlyFilms}</Radio.Item>
    </Radio.Root>
  );
}

/* The tile at this place, or the page if there is none: never nothing. */
function focusIndex(index: number, preventScroll = true) {
  const tile = document.querySelector<HTMLElement>(`[data-index="${index}"]`);
  (tile ?? document.getElementById("main"))?.focus({ preventScroll });
}

/* The grid's one tab stop. It follows its work when newer ones arrive before it. */
function useTabStop(works: Asset[]) {
  const [stop, setStop] = useState<{ id?: string; index: number }>({ index: 0 });
  const latest = useRef(works);
  latest.current = works;
  const note = useCallback((index: number) => setStop({ id: latest.current[index]?._id, index }), []);
  const found = works.findIndex((work) => work._id === stop.id);
  return { focus: found >= 0 ? found : Math.max(0, Math.min(stop.index, works.length - 1)), note };
}

/* Which work is asked about before it is deleted, and where the focus goes after. */
function useDeletion(works: Asset[], open: string | undefined, addressOf: (asset?: Asset) => string) {
  const [asked, setAsked] = useState<Asset>();
  const done = (gone: boolean) => {
    const index = works.findIndex((work) => work._id === asked?._id);
    const inDetail = asked?._id === open && open !== undefined;
    setAsked(undefined);
    if (gone && inDetail) navigate(addressOf(), { replace: true, stay: true });
    const target = gone ? Math.min(index, works.length - 2) : index;
    setTimeout(() => {
      if (inDetail && !gone) document.getElementById("detail")?.focus();
      else focusIndex(target);
    }, 50);
  };
  return { asked, setAsked, done };
}

/* Closes the detail from anywhere on the page, also where nothing has the focus; not from a dialog over it. */
function useEscape(active: boolean, close: () => void) {
  const latest = useRef(close);
  latest.current = close;
  useEffect(() => {
    if (!active) return;
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const inside = target === document.body || target.closest("main") !== null;
      if (event.key !== "Escape" || event.defaultPrevented || !inside) return;
      event.preventDefault();
      latest.current();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [active]);
}

export default function Library() {
  const { path, query } = usePlace();
  const open = path.split("/")[2] as AssetId | undefined;
  const type = typeOf(query);
  const { works, first, complete, more } = useWorks(type);
  const [alone, setAlone] = useState(open !== undefined && !cameFromInside());
  const { focus, note } = useTabStop(works);
  const [looking, setLooking] = useState<string>();
  const search = query.size > 0 ? `?${query}` : "";
  const addressOf = useCallback((asset?: Asset) => `/library${asset ? `/${asset._id}` : ""}${search}`, [search]);
  const deletion = useDeletion(works, open, addressOf);

  const index = works.findIndex((work) => work._id === open);
  const fetched = useWork(open && index < 0 ? open : undefined);
  const asset = index >= 0 ? works[index] : open ? fetched : undefined;
  const looked = works.find((work) => work._id === looking) ?? (asset && asset._id === looking ? asset : undefined);
  const around = (by: number) => works[index + by] && addressOf(works[index + by]);

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
    const to = works.findIndex((work) => work._id === looking) + by;
    const next = works[to];
    if (to >= works.length - NEAR_END) more();
    if (!next) return;
    setLooking(next._id);
    note(to);
    if (open) navigate(addressOf(next), { replace: true, stay: true });
  };
  const closeLook = () => {
    const at = works.findIndex((work) => work._id === looking);
    setLooking(undefined);
    setTimeout(() => (open ? document.getElementById("detail")?.focus() : focusIndex(at >= 0 ? at : focus, false)), 50);
  };
  /* Deleted in another tab while it was looked at. */
  const vanished = looking !== undefined && looked === undefined;
  useEffect(() => {
    if (vanished) closeLook();
  }, [vanished]);
  useEscape(open !== undefined && !alone, close);
  const told = useTotal(type);
  const total = complete ? works.length : told && Math.max(told, works.length);

  return (
    <main id="main" className={alone ? "shelf lone" : open ? "shelf opened" : "shelf"} tabIndex={-1}>
      {!alone && (
        <div className="page">
          <div className="pagehead">
            <h1>{words.pages.library}</h1>
            {works.length > 0 && <span className="quiet num">{total === undefined ? words.library.manyWorks(works.length) : words.library.works(total)}</span>}
            <Filter type={type} />
          </div>
          {first && <div className="waiting" aria-hidden="true">{Array.from({ length: 12 }, (_, index) => <i key={index} />)}</div>}
          {!first && works.length === 0 && (
            <div className="empty">
              <p className="words">{type ? words.library.emptyKind : words.library.empty}</p>
              <Link className="button" href="/generate">{words.library.emptyAct}</Link>
            </div>
          )}
          {works.length > 0 && (
            <Grid
              assets={works} complete={complete} selected={open} focus={focus} addressOf={addressOf}
              onFocus={note} onLook={(work) => setLooking(work._id)} onDelete={deletion.setAsked} onNearEnd={more}
            />
          )}
        </div>
      )}
      {open && (
        <Detail
          asset={asset} alone={alone} place={index >= 0 ? words.detail.place(index + 1, total === undefined ? words.library.moreThan(works.length) : number(total)) : ""} previous={around(-1)} next={around(1)}
          onClose={close} onLook={(work) => setLooking(work._id)} onDelete={deletion.setAsked}
        />
      )}
      <Suspense>
        {deletion.asked && <DeleteDialog asset={deletion.asked} onDone={deletion.done} />}
        {looked && <Lightbox asset={looked} onStep={works.length > 1 ? step : undefined} onClose={closeLook} />}
      </Suspense>
    </main>
  );
}
