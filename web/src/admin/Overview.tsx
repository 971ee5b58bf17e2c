/* SPDX-License-Identifier: Apache-2.0 */
/* How it goes now, how the last day went, and what needs somebody. */
import { useQuery } from "convex/react";
import type { ReactNode } from "react";
import { useNow } from "../app/live";
import { Link } from "../app/router";
import { api } from "../convex/_generated/api";
import { timeOfDay } from "../format";
import { JobTable } from "./JobTable";
import { jobsByPage, usePaginatedQuery } from "./live";
import { adminWords } from "./words";

const LATEST = 5;
const o = adminWords.overview;

function Figure({ value, of, href }: { value: ReactNode; of: string; href?: string }) {
  const both = <><span className="figure num">{value}</span><span className="small">{of}</span></>;
  return href ? <Link className="figure-box" href={href}>{both}</Link> : <div className="figure-box">{both}</div>;
}

function Now() {
  const overview = useQuery(api.admin.getOverview, {});
  const now = useNow(1000, overview?.oldestInLine !== undefined);
  if (!overview) return <div className="figures" />;
  const waits = overview.oldestInLine;
  return (
    <>
      <div className="figures">
        <Figure value={o.capped(overview.developing + overview.saving)} of={o.developing} href="/admin/jobs" />
        <Figure value={o.capped(overview.inLine)} of={o.inLine} href="/admin/jobs" />
        <Figure value={waits === undefined ? "0 s" : o.wait((now - waits) / 1000)} of={waits === undefined ? o.nobodyWaits : o.waits} />
      </div>
      <section aria-labelledby="day">
        <h2 id="day">{o.day}</h2>
        <div className="figures">
          <Figure value={o.capped(overview.dayCompleted)} of={o.done} href="/admin/jobs?status=completed" />
          <Figure value={o.capped(overview.dayFailed)} of={o.notMade} href="/admin/jobs?status=failed" />
          <Figure value={o.capped(overview.dayCanceled)} of={o.cancelled} href="/admin/jobs?status=canceled" />
        </div>
      </section>
    </>
  );
}

function Needs() {
  const health = useQuery(api.admin.listProviderHealth, {});
  const reviews = useQuery(api.admin.listPaymentReviews, {});
  if (!health || !reviews) return null;
  const resting = new Map(health.filter((one) => one.leftAloneUntil !== undefined).map((one) => [one.provider, one.leftAloneUntil!]));
  return (
    <section aria-labelledby="needs">
      <h2 id="needs">{o.needs}</h2>
      {resting.size + reviews.length === 0 && <p className="quiet">{o.allWell}</p>}
      {[...resting].map(([provider, until]) => (
        <p key={provider}><Link className="alarm" href="/admin/providers">{o.resting(provider, timeOfDay(until))}</Link></p>
      ))}
      {reviews.length > 0 && <p><Link href="/admin/payments">{o.reviews(reviews.length)}</Link></p>}
    </section>
  );
}

function Latest() {
  const { results, status } = usePaginatedQuery(jobsByPage, { status: "failed" as const }, { initialNumItems: LATEST });
  if (status === "LoadingFirstPage") return null;
  return (
    <section aria-labelledby="latest">
      <h2 id="latest">{o.latest}</h2>
      {results.length === 0 ? <p className="quiet">{o.noFailures}</p> : <JobTable jobs={results} caption={o.latest} />}
    </section>
  );
}

export function Overview() {
  return <div className="one"><Now /><Needs /><Latest /></div>;
}
