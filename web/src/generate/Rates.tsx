/* SPDX-License-Identifier: Apache-2.0 */
/* How often may still be asked, said once it begins to matter: "3 of 5 this minute". */
import { useQuery } from "convex/react";
import { api } from "../convex/_generated/api";
import { useNow } from "../app/live";
import { dayKey, exactTime, moment, timeOfDay } from "../format";
import { words } from "../words";

/* The time at which one more fits: to the second within a minute, with the day beyond this one. */
function again(at: number, now: number): string {
  if (dayKey(at) !== dayKey(now)) return moment(at, now);
  return at - now < 60_000 ? exactTime(at) : timeOfDay(at);
}

export function Rates({ film }: { film: boolean }) {
  const rates = useQuery(api.limits.getMyLimits, {});
  const now = useNow(1000, rates?.some((one) => one.retryAt !== undefined) ?? false);
  const own = rates?.filter((one) => one.kind === (film ? "video" : "image") && one.remaining * 2 <= one.limit) ?? [];
  if (own.length === 0) return null;
  const first = own.reduce((least, one) => ((one.retryAt ?? 0) > (least.retryAt ?? 0) || one.remaining < least.remaining ? one : least));
  const retry = first.retryAt !== undefined && first.retryAt > now ? again(first.retryAt, now) : undefined;
  return <p className="small quiet num">{words.rates.used(first.limit - first.remaining, first.limit, first.period, retry)}</p>;
}
