/* SPDX-License-Identifier: Apache-2.0 */
/* What is there to spend, until when, and what is held of it. */
import { useRunning } from "../app/live";
import { number } from "../format";
import { Anchor } from "./Anchor";
import { shortDate } from "./money";
import type { Wallet } from "./live";
import { words } from "./words";

type Part = Wallet["parts"][number];
const MANY = 4;

/* What ends is hatched, what stays is solid; the last of many are told as one. */
function shown(parts: Part[]): { name: string; look: string; credits: number }[] {
  const c = words.credits;
  const list = parts.slice(0, MANY).map((part, index) => {
    const name = c.part(part.credits, part.expiresAt === undefined ? undefined : shortDate(part.expiresAt));
    const first = index === 0 && parts.length > 1;
    return { name: first ? c.first(name) : name, look: part.expiresAt === undefined ? "stays" : "ends", credits: part.credits };
  });
  const rest = parts.slice(MANY).reduce((sum, part) => sum + part.credits, 0);
  return rest > 0 ? [...list, { name: c.rest(rest), look: "rest", credits: rest }] : list;
}

export function Balance({ wallet, canBuy }: { wallet: Wallet; canBuy: boolean }) {
  const c = words.credits;
  const { alive } = useRunning();
  const parts = shown(wallet.parts);
  return (
    <section className="wide" aria-labelledby="credits">
      <h2 id="credits">{c.title}</h2>
      <p className="figure huge">{number(wallet.available)} <span className="sr">{c.available}</span></p>
      {parts.length > 0 ? (
        <>
          <div className="shares" aria-hidden="true">
            {parts.map((part) => <i key={part.name} className={part.look} style={{ flexGrow: part.credits }} />)}
          </div>
          <ul className="keyed">{parts.map((part) => <li key={part.name}><i className={part.look} aria-hidden="true" />{part.name}</li>)}</ul>
        </>
      ) : (
        <p className="quiet">{c.none}</p>
      )}
      {wallet.held > 0 && (
        <p className="heldline">
          <span className="lamp" /><span><span className="lit num">{c.held(wallet.held)}</span> <span className="quiet">{c.heldFor(alive)}</span></span>
        </p>
      )}
      {canBuy && <div className="sectionacts"><Anchor className="button main" part="packages">{c.buy}</Anchor></div>}
    </section>
  );
}
