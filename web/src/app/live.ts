/* SPDX-License-Identifier: Apache-2.0 */
/* The queries that several places share. The client subscribes once however often they are used. */
import { useConvexConnectionState, useQueries, useQuery, type RequestForQueries } from "convex/react";
import { useEffect, useMemo, useState } from "react";
import { api } from "../convex/_generated/api";
import { isAlive, type Asset, type AssetId, type Job, type Model, type User } from "../types";
import { client } from "./session";

const STREAM_LENGTH = 40;
const PATIENCE = 3000;

export const useMe = (): User | null | undefined => useQuery(api.users.getCurrentUser, {});
export const useModels = (): Model[] | undefined => useQuery(api.models.getActiveModels, {});
export const useJobs = (): Job[] | undefined => useQuery(api.generations.listGenerationJobs, { limit: STREAM_LENGTH });

/* One work; null if there is none, also where an address holds something that is no id. */
export function useWork(id: AssetId | undefined): Asset | null | undefined {
  const wanted = useMemo(() => {
    const queries: RequestForQueries = {};
    if (id) queries.work = { query: api.assets.getAsset, args: { assetId: id } };
    return queries;
  }, [id]);
  const { work } = useQueries(wanted) as { work?: Asset | null | Error };
  if (!(work instanceof Error)) return work;
  if (work.message.includes("ArgumentValidationError")) return null;
  throw work;
}

/* Now, for what must not be queued until the socket is back, such as spending. */
export function isOffline(): boolean {
  const { hasEverConnected, isWebSocketConnected } = client.connectionState();
  return hasEverConnected && !isWebSocketConnected;
}

export function useRunning() {
  const alive = (useJobs() ?? []).filter(isAlive);
  const running = alive.filter((job) => job.status !== "pending");
  const progress = running.reduce((sum, job) => sum + (job.progress ?? 0), 0) / (running.length || 1);
  return { alive: alive.length, running: running.length, line: alive.length - running.length, progress };
}

/* A clock that ticks only while somebody looks at it. */
export function useNow(every: number, ticking = true): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticking) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every, ticking]);
  return now;
}

/* When the socket was lost, once that has lasted long enough to be worth saying. */
export function useOfflineSince(): number | undefined {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  const [since, setSince] = useState<number>();
  useEffect(() => {
    if (isWebSocketConnected) return setSince(undefined);
    const lost = Date.now();
    const timer = setTimeout(() => setSince(lost), hasEverConnected ? PATIENCE : 2 * PATIENCE);
    return () => clearTimeout(timer);
  }, [isWebSocketConnected, hasEverConnected]);
  return since;
}
