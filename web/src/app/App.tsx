/* SPDX-License-Identifier: Apache-2.0 */
/* Which page stands at an address, and who may see it. */
import { lazy, Suspense, useEffect, type ReactNode } from "react";
import { SignIn } from "../account/SignIn";
import { words } from "../words";
import { Boundary } from "./Boundary";
import { Frame } from "./Frame";
import { useGlobalKeys } from "./keys";
import { Overlays } from "./Overlays";
import { Link, navigate, usePlace } from "./router";
import { session } from "./session";
import { useStore } from "./store";

const Generate = lazy(() => import("../generate/Generate"));
const Library = lazy(() => import("../library/Library"));
const Settings = lazy(() => import("../account/Settings"));

function pageAt(path: string): { name: string; node: ReactNode } {
  if (path === "/generate" || path === "/dashboard") return { name: words.pages.generate, node: <Generate /> };
  if (path === "/library" || /^\/library\/[^/]+$/.test(path)) return { name: words.pages.library, node: <Library /> };
  if (path === "/settings" || path === "/settings/account") return { name: words.pages.settings, node: <Settings /> };
  return { name: words.product, node: <Missing /> };
}

function Missing() {
  return (
    <main id="main" className="page" tabIndex={-1}>
      <div className="empty">
        <h1>{words.missingPage}</h1>
        <Link className="button" href="/generate">{words.places.generate}</Link>
      </div>
    </main>
  );
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
  useGlobalKeys();
  if (state === "unreachable") return <p className="unreachable" role="status">{words.unreachable}</p>;
  if (atForm && state !== "in") return <SignIn key={path} fresh={path === "/sign-up"} />;
  if (state !== "in" || atForm) return null;
  const page = pageAt(path);
  return (
    <Frame page={page.name}>
      <Boundary key={page.name}>
        <Suspense fallback={<main id="main" className="page" />}>{page.node}</Suspense>
      </Boundary>
      <Overlays />
    </Frame>
  );
}
