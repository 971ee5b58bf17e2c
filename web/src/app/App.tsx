/* SPDX-License-Identifier: Apache-2.0 */
/* Which page stands at an address, and who may see it. */
import { useEffect, type ReactNode } from "react";
import { SignIn } from "../account/SignIn";
import { words } from "../words";
import { Boundary } from "./Boundary";
import { Left } from "./Left";
import { Frame } from "./Frame";
import { useGlobalKeys } from "./keys";
import { whenIdle } from "./later";
import { Missing } from "./Missing";
import { Overlays } from "./Overlays";
import { Arrival, piece } from "./piece";
import { navigate, usePlace } from "./router";
import { leaving, session } from "./session";
import { useStore } from "./store";

/* By the first part of their addresses, as vite.config.ts has them. */
const pieces = {
  generate: piece(() => import("../generate/Generate")),
  library: piece(() => import("../library/Library")),
  billing: piece(() => import("../billing/Billing")),
  storage: piece(() => import("../storage/Storage")),
  settings: piece(() => import("../account/Settings")),
};
const { generate: Generate, library: Library, billing: Billing, storage: Storage, settings: Settings } = pieces;
/* Few are administrators: theirs is fetched only when they go there. */
const Admin = piece(() => import("../admin/Admin"));

/* The page that was asked for is fetched while it is still asked who asks; with it the first thing drawn
   is whole, and all that it wants to know goes out in one message. */
const asked = location.pathname.split("/")[1] as keyof typeof pieces;
export const pageReady = (pieces[asked] ?? pieces.generate).ahead().catch(() => undefined);

/* The other pages come while nobody waits, so that going there shows content at once. */
const fetchAhead = () => whenIdle().then(() => Promise.all(Object.values(pieces).map((page) => page.ahead())));

function pageAt(path: string): { name: string; node: ReactNode } {
  if (path === "/generate" || path === "/dashboard") return { name: words.pages.generate, node: <Generate /> };
  if (path === "/library" || /^\/library\/[^/]+$/.test(path)) return { name: words.pages.library, node: <Library /> };
  if (path === "/billing") return { name: words.pages.billing, node: <Billing /> };
  if (path === "/storage") return { name: words.pages.storage, node: <Storage /> };
  if (path === "/settings" || path === "/settings/account") return { name: words.pages.settings, node: <Settings /> };
  if (path === "/admin" || path.startsWith("/admin/")) return { name: words.pages.admin, node: <Admin /> };
  return { name: words.product, node: <><Missing /><Arrival /></> };
}

/* Sends a guest to the form, and somebody signed in away from it. */
function useGate(state: string, path: string, search: string) {
  const atForm = path === "/sign-in" || path === "/sign-up";
  useEffect(() => {
    if (state === "guest" && !atForm) {
      const next = path === "/generate" ? "" : `?next=${encodeURIComponent(path + search)}`;
      navigate(`/sign-in${next}`, { replace: true });
    }
    if (state === "in" && atForm) {
      const next = new URLSearchParams(search).get("next") ?? "/generate";
      navigate(/^\/(?![/\\])/.test(next) ? next : "/generate", { replace: true });
    }
  }, [state, atForm, path, search]);
  return atForm;
}

export function App() {
  const state = useStore(session);
  const { path, query } = usePlace();
  const atForm = useGate(state, path, query.size > 0 ? `?${query}` : "");
  const page = state === "in" && !atForm ? pageAt(path) : undefined;
  const left = useStore(leaving);
  useGlobalKeys();
  useEffect(() => {
    if (state === "in") void fetchAhead();
  }, [state]);
  if (left) return <Left {...left} />;
  if (state === "unreachable") return <p className="unreachable" role="status">{words.unreachable}</p>;
  if (atForm && state !== "in") return <SignIn key={path} fresh={path === "/sign-up"} />;
  if (!page) return null;
  return (
    <Frame page={page.name}>
      <Boundary key={page.name}>
        {page.node}
      </Boundary>
      <Overlays />
    </Frame>
  );
}
