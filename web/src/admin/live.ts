/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of the administration, with the names that the client gives to pages. */
import { usePaginatedQuery, useQueries, type RequestForQueries } from "convex/react";
import { getFunctionName, type FunctionArgs, type FunctionReference, type FunctionReturnType, type PaginationOptions, type PaginationResult } from "convex/server";
import { useMemo } from "react";
import { api } from "../convex/_generated/api";

type Paged<F extends FunctionReference<"query">> = Extract<FunctionReturnType<F>, { page: unknown[] }>["page"][number];
type Pages<Args extends object, Item> = FunctionReference<"query", "public", Args & { paginationOpts: PaginationOptions }, PaginationResult<Item>>;

export type Person = Paged<typeof api.admin.listUsers>;
export type AnyJob = Paged<typeof api.admin.listJobs>;
export type Entry = Paged<typeof api.credits.getCreditHistory>;
export type Status = AnyJob["status"];
export type UserId = Person["userId"];
export type AnyJobId = AnyJob["jobId"];

export const peopleByPage = api.admin.listUsers as unknown as Pages<{ search?: string }, Person>;
export const jobsByPage = api.admin.listJobs as unknown as Pages<{ status?: Status; userId?: UserId }, AnyJob>;
export const historyByPage = api.credits.getCreditHistory as unknown as Pages<{ userId?: UserId }, Entry>;

/* One thing by an id out of an address: null also where that is no id at all. */
export function useOne<F extends FunctionReference<"query">>(query: F, args: FunctionArgs<F>): FunctionReturnType<F> | null | undefined {
  const key = JSON.stringify(args);
  const wanted = useMemo<RequestForQueries>(() => ({ one: { query, args: JSON.parse(key) as FunctionArgs<F> } }), [getFunctionName(query), key]);
  const { one } = useQueries(wanted) as { one?: FunctionReturnType<F> | Error };
  if (!(one instanceof Error)) return one;
  if (one.message.includes("ArgumentValidationError")) return null;
  throw one;
}

export { usePaginatedQuery };
