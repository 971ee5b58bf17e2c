/* SPDX-License-Identifier: Apache-2.0 */
/* The news in the corner: one at a time, for six seconds, longer while somebody is with it or looks
   at another tab. */
import { useEffect, useState } from "react";
import { CloseIcon } from "../parts/icons";
import { words } from "../words";
import { Link } from "./router";
import { useStore } from "./store";
import { toastGone, toasts, type Toast } from "./toast";

const SHOWN = 6000;

function useSeen(): boolean {
  const [seen, setSeen] = useState(!document.hidden);
  useEffect(() => {
    const look = () => setSeen(!document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return seen;
}

function Piece({ one }: { one: Toast }) {
  const [held, setHeld] = useState(false);
  const seen = useSeen();
  const go = () => toastGone(one.id);
  useEffect(() => {
    if (held || !seen) return;
    const timer = setTimeout(go, SHOWN);
    return () => clearTimeout(timer);
  }, [held, seen, one]);
  return (
    <section
      className="toast" aria-label={words.toast.label} onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)} onBlur={() => setHeld(false)} onKeyDown={(event) => event.key === "Escape" && go()}
    >
      <div>
        {one.prompt && <p className="words">{one.prompt}</p>}
        <p>{one.text}</p>
      </div>
      {one.act && <Link className="button" href={one.act.href} onClick={go}>{one.act.name}</Link>}
      <button type="button" className="closer" aria-label={words.close} onClick={go}><CloseIcon /></button>
    </section>
  );
}

export function Toasts() {
  const [one] = useStore(toasts);
  return one ? <Piece key={one.id} one={one} /> : null;
}
