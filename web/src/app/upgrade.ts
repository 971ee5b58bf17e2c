/* SPDX-License-Identifier: Apache-2.0 */
/* A tab that was open across an upgrade. The first version the server tells is this tab's own; it is
   asked again whenever the socket comes back. Reloading waits until nothing unsent would be lost. */
import { client } from "./session";
import { storeOf } from "./store";

export type Upgrade = "none" | "waiting" | "reloading";
export const upgrade = storeOf<Upgrade>("none");

const RELOADED = "atelier.reloaded";
const RELOAD_PAUSE = 30_000;

let own: string | undefined;

async function version(): Promise<string | undefined> {
  try {
    const response = await fetch("/api/version", { cache: "no-store" });
    if (!response.ok) return undefined;
    return ((await response.json()) as { version?: string }).version;
  } catch {
    return undefined;
  }
}

/* Prompts are kept as drafts; only forms and running requests can lose something. */
function somethingUnsent(): boolean {
  if (client.connectionState().inflightMutations > 0) return true;
  return [...document.querySelectorAll<HTMLInputElement>("form[data-unsent] input")].some((input) => input.value !== "");
}

function reloadWhenFree() {
  if (somethingUnsent()) {
    upgrade.set("waiting");
    setTimeout(reloadWhenFree, 1000);
    return;
  }
  upgrade.set("reloading");
  setTimeout(() => location.reload(), 1500);
}

async function check() {
  const now = await version();
  if (now === undefined) return;
  own ??= now;
  if (now !== own && upgrade.get() === "none") reloadWhenFree();
}

/* A piece that is no longer there belongs to an older build; if a reload has just not helped, it is
   another fault, and stays where it shows. */
function onMissingPiece() {
  const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - last < RELOAD_PAUSE || upgrade.get() !== "none") return;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  reloadWhenFree();
}

export function upgradeWatch() {
  let connected = false;
  addEventListener("vite:preloadError", onMissingPiece);
  void check();
  client.subscribeToConnectionState((state) => {
    if (state.isWebSocketConnected && !connected) void check();
    connected = state.isWebSocketConnected;
  });
}
