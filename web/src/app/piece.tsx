/* SPDX-License-Identifier: Apache-2.0 */
/* A page that is fetched when it is first gone to. Unlike React's own way it is shown in the frame it
   comes in: that holds back what follows an empty page for 300 ms. */
import { useEffect, useState, type ComponentType } from "react";

/* A new page takes the focus, as a new document would; the address this tab was opened at does not. */
let openedAt: string | undefined = location.pathname;
export function Arrival() {
  useEffect(() => {
    const main = document.getElementById("main");
    if (location.pathname !== openedAt && !main?.contains(document.activeElement)) main?.focus({ preventScroll: true });
    openedAt = undefined;
  }, []);
  return null;
}

/* The page, and a way to fetch it before it is gone to. */
export function piece(load: () => Promise<{ default: ComponentType }>): ComponentType & { ahead: () => Promise<unknown> } {
  let known: ComponentType | undefined;
  const ahead = () => load().then((module) => (known = module.default));
  function Piece() {
    const [Page, setPage] = useState(() => known);
    useEffect(() => {
      if (known) return;
      ahead().then(
        (page) => setPage(() => page),
        /* For the boundary around the page. */
        (fault: unknown) => setPage(() => { throw fault; }),
      );
    }, []);
    return Page ? <><Page /><Arrival /></> : <main id="main" className="page" />;
  }
  return Object.assign(Piece, { ahead });
}
