/* SPDX-License-Identifier: Apache-2.0 */
/* The files that are on their way to the library. They go on while other pages are looked at; what a
   lost connection or a closed tab left unfinished is taken up again by the resumable protocol, once
   the same file is given again. The protocol's client arrives with the first file. */
import { storeOf } from "../app/store";
import type { Carrier } from "./carrier";
import type { AssetId } from "../types";
import { words } from "./words";

/* waiting for its turn; sending; paused by the person; landing: all bytes are there, the row is being made */
export type Phase = "waiting" | "sending" | "paused" | "landing" | "done" | "failed";

export interface Upload {
  id: number;
  file: File;
  film: boolean;
  phase: Phase;
  sent: number;
  /* When it began to send and how much was there then: what is left is told from these. */
  since: number;
  sentBefore: number;
  /* Why it failed, as a sentence; and whether trying again may help. */
  fault?: string;
  hopeless?: boolean;
  /* There is no room for it. */
  full?: boolean;
  /* The server does not answer; it is being asked again. */
  stalled?: boolean;
  /* It did not answer for long. Goes on by itself once it does. */
  lost?: boolean;
  /* The server said how long to wait. */
  until?: number;
  assetId?: AssetId;
  /* It is to be what the next picture starts from. */
  isStart: boolean;
}

const AT_ONCE = 3;
/* How long what has arrived is still told. */
const STAYS = 4000;
export const TYPES = [
  "image/png", "image/jpeg", "image/webp", "image/avif", "image/gif", "image/heic", "image/heif",
  "video/mp4", "video/webm", "video/quicktime",
];

export const uploads = storeOf<readonly Upload[]>([]);
/* A composer is open whose model starts from a picture: the first that comes is for it. */
export const startWanted = storeOf(false);
const carriers = new Map<number, Carrier>();
let next = 1;

const isMoving = (upload: Upload) => upload.phase === "sending" || upload.phase === "landing";
export const isAlive = (upload: Upload) => isMoving(upload) || upload.phase === "waiting";
const find = (id: number) => uploads.get().find((upload) => upload.id === id);

export function change(id: number, by: Partial<Upload>) {
  if (!find(id)) return;
  uploads.set(uploads.get().map((upload) => (upload.id === id ? { ...upload, ...by } : upload)));
  if (by.phase === "done") setTimeout(() => uploadRemove(id), STAYS);
  if (by.phase) pump();
}

/* Only what claims to be something else is turned away here; what a file is, the server finds out. */
const isFilm = (file: File) => file.type.startsWith("video/");
const isPlausible = (file: File) => file.type === "" || /^(image|video)\//.test(file.type);

function faultOf(file: File): string | undefined {
  if (file.size === 0) return words.faults.empty;
  return isPlausible(file) ? undefined : words.faults.kind(file.type);
}

export function uploadAdd(files: Iterable<File>) {
  const added = [...files].map((file): Upload => {
    const fault = faultOf(file);
    return {
      id: next++, file, film: isFilm(file), phase: fault ? "failed" : "waiting", sent: 0, since: 0, sentBefore: 0, fault,
      hopeless: fault !== undefined, isStart: false,
    };
  });
  const start = startWanted.get() ? added.find((upload) => !upload.film && !upload.fault) : undefined;
  if (start) start.isStart = true;
  uploads.set([...uploads.get(), ...added]);
  pump();
}

/* Starts what may start now: one, whose change of phase comes back here for the next. */
function pump() {
  const all = uploads.get();
  const now = Date.now();
  const first = all.find((upload) => upload.phase === "waiting" && (upload.until ?? 0) <= now);
  addOrRemoveGuard(all.some(isAlive));
  if (first && all.filter(isMoving).length < AT_ONCE) void begin(first);
}

async function begin(upload: Upload) {
  change(upload.id, { phase: "sending", since: Date.now(), sentBefore: upload.sent, fault: undefined, full: false, stalled: false });
  try {
    const { carry } = await import("./carrier");
    if (find(upload.id)?.phase !== "sending") return;
    const old = carriers.get(upload.id);
    if (old) old.resume();
    else carriers.set(upload.id, carry(upload));
  } catch {
    change(upload.id, { phase: "failed", fault: words.faults.noAnswer, lost: true });
  }
}

export function uploadPause(id: number) {
  const upload = find(id);
  if (upload?.phase !== "sending" && upload?.phase !== "waiting") return;
  carriers.get(id)?.pause();
  change(id, { phase: "paused" });
}

export const uploadResume = (id: number) => change(id, { phase: "waiting", until: undefined, lost: false });

/* The connection is back: what it took along goes on. */
export const uploadsFound = () => uploads.get().filter((upload) => upload.lost).forEach((upload) => uploadResume(upload.id));

/* So many in a minute: the rest comes when it may, by itself. */
export function uploadWait(id: number, wait: number) {
  change(id, { phase: "waiting", until: Date.now() + wait });
  setTimeout(pump, wait + 1);
}

/* Forgets it; what has arrived of an unfinished one is removed at the server too. */
export function uploadRemove(id: number) {
  carriers.get(id)?.remove(!find(id)?.hopeless);
  carriers.delete(id);
  uploads.set(uploads.get().filter((upload) => upload.id !== id));
  pump();
}

export function uploadsClear(phase: Phase) {
  uploads.get().filter((upload) => upload.phase === phase).forEach((upload) => uploadRemove(upload.id));
}

/* Leaving would stop them; the browser asks in its own words. */
let guarded = false;
const guard = (event: BeforeUnloadEvent) => event.preventDefault();
function addOrRemoveGuard(wanted: boolean) {
  if (wanted === guarded) return;
  guarded = wanted;
  if (wanted) addEventListener("beforeunload", guard);
  else removeEventListener("beforeunload", guard);
}
