/* SPDX-License-Identifier: Apache-2.0 */
/* What stands around every page for somebody signed in: the rail, or on small screens two bars. */
import { useConvexConnectionState } from "convex/react";
import { lazy, Suspense, useEffect, useRef, type ReactNode } from "react";
import { number, size, timeOfDay } from "../format";
import { words } from "../words";
import type { User } from "../types";
import { palette, mod } from "./keys";
import { LowCredits } from "./LowCredits";
import { afterPaint } from "./later";
import { DropVeil } from "../upload/Drop";
import { isAlive, uploads, uploadsFound } from "../upload/queue";
import { words as uploadWords } from "../upload/words";
import { useJobVoice } from "../generate/useJobVoice";
import { useJobs, useMe, useOfflineSince, useRunning } from "./live";
import { Link, usePlace } from "./router";
import { useStore } from "./store";
import { stillIn } from "./session";
import { Toasts } from "./Toasts";
import { upgrade, type Upgrade } from "./upgrade";
import { usePlanNews } from "./usePlanNews";
import { say } from "./voice";

const AccountMenu = lazy(() => afterPaint().then(() => import("./AccountMenu")));

const places = [
  { href: "/generate", name: words.places.generate },
  { href: "/library", name: words.places.library },
];

const isHere = (path: string, href: string) => path === href || path.startsWith(`${href}/`);
const current = (path: string, href: string) => (isHere(path, href) ? "page" : undefined);

function Mark({ lit }: { lit: boolean }) {
  return (
    <Link className="mark" href="/generate">
      {words.product} <span className={lit ? "lamp" : "lamp off"} />
    </Link>
  );
}

function Places({ path }: { path: string }) {
  const me = useMe();
  const mine = me?.role === "admin" ? [...places, { href: "/admin", name: words.places.admin }] : places;
  return mine.map(({ href, name }) => (
    <Link key={href} href={href} aria-current={current(path, href)}>{name}</Link>
  ));
}

function Credits({ me, path }: { me: User; path: string }) {
  const given = me.credits + me.creditsHeld + me.totalCreditsUsed;
  return (
    <Link className="stat" href="/billing" aria-current={current(path, "/billing")}>
      <span>
        <b className="num">{number(me.credits)}</b> {words.meters.creditWord(me.credits)}{me.creditsLow && <>, <b>{words.meters.low}</b></>}
        {me.creditsHeld > 0 && <span className="lit num held">{words.meters.held(me.creditsHeld)}</span>}
      </span>
      <Meter
        label={words.meters.credits} value={me.credits} most={Math.max(given, 1)}
        text={words.meters.creditsText(me.credits, me.creditsHeld)}
      />
    </Link>
  );
}

function Storage({ me, path }: { me: User; path: string }) {
  const { storageUsedBytes: used, storageQuotaBytes: room } = me;
  return (
    <Link className="stat" href="/storage" aria-current={current(path, "/storage")}>
      <span><b className="num">{size(used)}</b> {words.meters.ofRoom(room)}</span>
      <Meter label={words.meters.storage} value={used} most={Math.max(room, 1)} text={words.meters.storageText(used, room)} />
      {used >= room ? <span>{words.meters.full}</span> : used >= room * 0.8 && <span>{words.meters.makeRoom}</span>}
    </Link>
  );
}

function Meter({ label, value, most, text }: { label: string; value: number; most: number; text: string }) {
  return (
    <span
      className="meter" role="meter" aria-label={label} aria-valuenow={value} aria-valuemin={0} aria-valuemax={most}
      aria-valuetext={text}
    >
      <i style={{ transform: `scaleX(${Math.min(1, value / most)})` }} />
    </span>
  );
}

/* Until the menu behind it is here, its place is held by the same words. */
function Account({ me, small }: { me: User; small?: boolean }) {
  const held = (
    <span className={small ? "who bar-who" : "who"}>
      <b>{small ? words.places.you : me.name || me.email}</b>
      {!small && <span className="quiet">{me.planName}</span>}
    </span>
  );
  return <Suspense fallback={held}><AccountMenu me={me} small={small} /></Suspense>;
}

function Developing() {
  const { alive, running, line, progress } = useRunning();
  return (
    <Link className="stat" href="/generate">
      <span className={alive > 0 ? "lit num" : "quiet"}>
        {alive > 0 ? words.meters.developing(running, line) : words.meters.atRest}
      </span>
      <span className="hair"><i style={{ transform: `scaleX(${alive > 0 ? progress : 0})` }} /></span>
    </Link>
  );
}

/* Files on their way in, wherever one looks meanwhile; what a break in the connection took along goes on. */
function Sending() {
  const held = useStore(uploads);
  const { isWebSocketConnected } = useConvexConnectionState();
  useEffect(() => {
    if (isWebSocketConnected) uploadsFound();
  }, [isWebSocketConnected]);
  const alive = held.filter(isAlive);
  const failed = held.filter((upload) => upload.phase === "failed").length;
  if (alive.length === 0) return failed === 0 ? null : <Link className="stat" href="/library"><span className="alarm num">{uploadWords.railFailed(failed)}</span></Link>;
  const all = alive.reduce((sum, upload) => sum + upload.file.size, 0);
  const sent = alive.reduce((sum, upload) => sum + upload.sent, 0);
  return (
    <Link className="stat" href="/library">
      <span className="lit num">{uploadWords.rail(alive.length)}</span>
      <span className="hair"><i style={{ transform: `scaleX(${sent / Math.max(1, all)})` }} /></span>
    </Link>
  );
}

/* One line under the head of the page; never a veil over it. */
function Notice() {
  const offline = useOfflineSince();
  const upgraded = useStore(upgrade);
  const stays = useStore(stillIn);
  const text = stays ? words.account.stillIn : noticeText(upgraded, offline);
  const spoke = useRef(false);
  useEffect(() => {
    if (text) say(text, "notice");
    else if (spoke.current) say(words.backAgain, "notice");
    spoke.current = text !== undefined;
  }, [text]);
  return text === undefined ? null : <p className="notice">{text}</p>;
}

function noticeText(upgraded: Upgrade, offline: number | undefined): string | undefined {
  if (upgraded !== "none") return upgraded === "reloading" ? words.updated : words.updatedBusy;
  return offline === undefined ? undefined : words.offline(timeOfDay(offline));
}

/* The lamp in the tab: its picture and the title. */
function useTabLamp(page: string, running: number) {
  useEffect(() => {
    document.title = words.title(page, running);
    document.getElementById("favicon")?.setAttribute("href", running > 0 ? "/lamp-on.svg" : "/lamp-off.svg");
  }, [page, running]);
}

export function Frame({ page, children }: { page: string; children: ReactNode }) {
  const me = useMe();
  const { path } = usePlace();
  const { alive } = useRunning();
  useTabLamp(page, alive);
  useJobVoice(useJobs());
  usePlanNews(me);
  return (
    <div className="app">
      <a className="skip" href="#main">{words.skip}</a>
      <header className="rail">
        <Mark lit={alive > 0} />
        <button className="find" type="button" onClick={() => palette.set(true)}>
          <span>{words.palette.hint}</span><kbd>{mod} K</kbd>
        </button>
        <nav aria-label={words.places.main}><Places path={path} /></nav>
        <div className="foot">
          {me && <><Developing /><Sending /><Credits me={me} path={path} /><Storage me={me} path={path} /><Account me={me} /></>}
        </div>
      </header>
      <header className="bar">
        <Mark lit={alive > 0} />
        <nav className="bar-places" aria-label={words.places.main}><Places path={path} /></nav>
        {me && (
          <Link className="bar-credits num" href="/billing" aria-current={current(path, "/billing")}>
            <b>{number(me.credits)}</b> {words.meters.creditWord(me.credits)}
          </Link>
        )}
        {me && <Account me={me} small />}
      </header>
      <div className="stage">
        <Notice />
        {me && <LowCredits me={me} />}
        {children}
      </div>
      <DropVeil />
      <Toasts />
      <nav className="tabs" aria-label={words.places.main}>
        <Places path={path} />
        <Link href="/settings" aria-current={current(path, "/settings")}>{words.places.you}</Link>
      </nav>
    </div>
  );
}
