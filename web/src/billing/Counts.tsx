/* SPDX-License-Identifier: Apache-2.0 */
/* Where a plan counts works instead of credits: how many of this period's are made. */
import type { Quota } from "./live";
import { dateOf } from "./money";
import { words } from "./words";

/* So the server writes that there is none. */
const UNLIMITED = 1_000_000_000;

export const hasCounts = (quota: Quota | null): quota is Quota =>
  quota !== null && (quota.images.limit < UNLIMITED || quota.videos.limit < UNLIMITED);

function Part({ name, used, limit }: { name: string; used: number; limit: number }) {
  const text = words.counts.of(used, limit);
  return (
    <div className="countline">
      <p className="rowline"><span>{name}</span><span className="num">{text}</span></p>
      <span className="meter" role="meter" aria-label={name} aria-valuenow={used} aria-valuemin={0} aria-valuemax={limit} aria-valuetext={text}>
        <i style={{ transform: `scaleX(${Math.min(1, used / Math.max(1, limit))})` }} />
      </span>
    </div>
  );
}

export function Counts({ quota, look }: { quota: Quota; look: "wide" | "whole" }) {
  const c = words.counts;
  return (
    <section className={look} aria-labelledby="counts">
      <h2 id="counts">{c.title}</h2>
      {quota.images.limit < UNLIMITED && <Part name={c.pictures} {...quota.images} />}
      {quota.videos.limit < UNLIMITED && <Part name={c.films} {...quota.videos} />}
      <p className="quiet small">{c.anew(dateOf(quota.billingCycleEnd))}</p>
    </section>
  );
}
