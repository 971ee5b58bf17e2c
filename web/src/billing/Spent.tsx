/* SPDX-License-Identifier: Apache-2.0 */
/* Thirty days as thirty bars, and what is stored: two facts that explain the two figures above them. */
import { useMe } from "../app/live";
import { Link } from "../app/router";
import { number, size } from "../format";
import type { Day } from "./live";
import { dateOf, shortDate } from "./money";
import { words } from "./words";

const DAYS = 30;
const DAY = 86_400_000;

/* The server counts days in UTC. */
function bars(days: Day[], now: number) {
  const used = new Map(days.map((day) => [day.date, day.creditsUsed]));
  return Array.from({ length: DAYS }, (_, index) => {
    const at = now - (DAYS - 1 - index) * DAY;
    return { at, used: used.get(new Date(at).toISOString().slice(0, 10)) ?? 0 };
  });
}

export function Spent({ days }: { days: Day[] }) {
  const s = words.spent;
  const list = bars(days, Date.now());
  const sum = list.reduce((all, one) => all + one.used, 0);
  const most = list.reduce((best, one) => (one.used > best.used ? one : best));
  const text = sum > 0 ? s.sum(sum, number(Math.round(sum / DAYS * 10) / 10)) : s.none;
  return (
    <section className="wide" aria-labelledby="spent">
      <h2 id="spent">{s.title}</h2>
      <div className="days" role="img" aria-label={sum > 0 ? `${text}, ${s.most(most.used, dateOf(most.at))}` : text}>
        {list.map((one) => <i key={one.at} style={{ height: `${most.used > 0 ? (one.used / most.used) * 100 : 0}%` }} />)}
      </div>
      <p className="axis"><span>{shortDate(list[0]!.at)}</span><span>{text}</span><span>{s.today}</span></p>
    </section>
  );
}

export function Storage() {
  const me = useMe();
  const s = words.storage;
  if (!me) return null;
  const room = Math.max(1, me.storageQuotaBytes);
  const part = me.storageUsedBytes / room;
  return (
    <section className="narrow" aria-labelledby="storage">
      <h2 id="storage">{s.title}</h2>
      <p className="figure price">{size(me.storageUsedBytes)} <small>{s.of(size(me.storageQuotaBytes), part * 100)}</small></p>
      <div className="shares" aria-hidden="true">
        {part > 0 && <i className="stays" style={{ flexGrow: Math.min(1, part) }} />}<i className="gone" style={{ flexGrow: Math.max(0, 1 - part) }} />
      </div>
      <p><Link href="/storage">{s.works}</Link></p>
    </section>
  );
}
