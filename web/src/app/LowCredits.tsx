/* SPDX-License-Identifier: Apache-2.0 */
/* One line on every page while credits are low, until it is closed; then not again in this tab, unless
   they were enough in between. */
import { useQuery } from "convex/react";
import { useEffect, useState } from "react";
import { api } from "../convex/_generated/api";
import { CloseIcon } from "../parts/icons";
import type { User } from "../types";
import { words } from "../words";
import { Link } from "./router";

const KEY = "atelier.low";

export function LowCredits({ me }: { me: User }) {
  const [closed, setClosed] = useState(() => sessionStorage.getItem(KEY) === me._id);
  const low = me.creditsLow;
  const wallet = useQuery(api.billing.getMyWallet, low && !closed ? {} : "skip");
  useEffect(() => {
    if (low) return;
    sessionStorage.removeItem(KEY);
    setClosed(false);
  }, [low]);
  if (!low || closed || !wallet) return null;
  const close = () => {
    sessionStorage.setItem(KEY, me._id);
    setClosed(true);
    document.getElementById("main")?.focus({ preventScroll: true });
  };
  const l = words.low;
  return (
    <aside className="notice low" aria-label={l.label}>
      <p>
        <b>{l.text(me.credits)}</b>{" "}
        {wallet.canPay ? <Link href="/billing#packages">{l.buy}</Link> : l.ask}
      </p>
      <button type="button" className="closer" aria-label={l.close} onClick={close}><CloseIcon /></button>
    </aside>
  );
}
