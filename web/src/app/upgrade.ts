/* SPDX-License-Identifier: Apache-2.0 */
/* A tab that was open across an upgrade. The first version the server tells is this tab's own; it is
   asked again whenever the socket comes back. Reloading waits until nothing unsent would be lost. */
import { client } from "./session";
import { storeOf } from "./store";

export type Upgrade = "none" | "waiting" | "reloading";
export const upgrade = storeOf<Upgrade>("none");

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

export function upgradeWatch() {
  let connected = false;
  void check();
  client.subscribeToConnectionState((state) => {
    if (state.isWebSocketConnected && !connected) void check();
    connected = state.isWebSocketConnected;
  });
}
