// SPDX-License-Identifier: Apache-2.0
// A frontend of the product as a customer writes one: with the official client's hooks, in strict
// TypeScript and without one cast. types.test.mjs compiles it and never runs it. What stands below
// "expect-error CODE" must be refused, and for that reason.
import { ConvexHttpClient, ConvexClient } from "convex/browser";
import {
  ConvexProvider,
  ConvexReactClient,
  useAction,
  useConvex,
  useMutation,
  usePaginatedQuery,
  useQueries,
  useQuery,
  type PaginatedQueryItem,
  type PaginatedQueryReference,
} from "convex/react";
import {
  makeFunctionReference,
  type FunctionArgs,
  type FunctionReturnType,
  type PaginationOptions,
  type PaginationResult,
} from "convex/server";
import { useState, type ReactNode } from "react";

import { api, components, internal } from "./convex/_generated/api";
import type { DataModel, Doc, Id, TableNames } from "./convex/_generated/dataModel";
import type { MutationCtx, QueryCtx } from "./convex/_generated/server";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <Claim extends true>(): Claim[] => [];

type Job = NonNullable<FunctionReturnType<typeof api.generations.getGenerationJob>>;
type Work = PaginatedQueryItem<typeof api.assets.getAssets>;
type History = FunctionReturnType<typeof api.credits.getCreditHistory>;
type Rows = Extract<History, unknown[]>;
type RowPage = Extract<History, { page: unknown }>;

/* ---- what the types say ---- */

holds<Same<Job["_id"], Id<"generations">>>();
holds<Same<Job["imageIds"], Id<"assets">[]>>();
holds<Same<Job["steps"], number | undefined>>();
holds<Same<Work["type"], "image" | "video">>();
holds<Same<Rows[number], RowPage["page"][number]>>();
holds<Same<Rows[number]["balanceAfter"], number>>();
holds<Same<FunctionReturnType<typeof api.credits.getCredits>, number | null>>();
holds<Same<Doc<"users">["role"], "user" | "admin">>();
holds<Same<Doc<"assets">["userId"], Id<"users">>>();
holds<Same<DataModel["users"]["indexes"]["by_email"], ["email", "_creationTime"]>>();
type Member<List> = List extends (infer Each)[] ? Each : never;
type Unlisted = {
  [T in TableNames]: Exclude<
    keyof DataModel[T]["document"] | Member<DataModel[T]["indexes"][keyof DataModel[T]["indexes"]]>,
    DataModel[T]["fieldPaths"]
  >;
}[TableNames];
holds<Same<Unlisted, never>>();
holds<"generations" extends TableNames ? true : false>();
holds<typeof api.assets.getAssets extends PaginatedQueryReference ? true : false>();
holds<
  FunctionReturnType<typeof api.assets.getAssets> extends PaginationResult<Work> ? true : false
>();
holds<
  PaginationOptions extends FunctionArgs<typeof api.assets.getAssets>["paginationOpts"]
    ? true
    : false
>();
holds<RowPage extends PaginationResult<Rows[number]> ? true : false>();
holds<Same<keyof typeof components, never>>();

/* ---- live ---- */

function Account() {
  const me = useQuery(api.users.getCurrentUser);
  const credits = useQuery(api.credits.getCredits, {});
  const jobs = useQuery(api.generations.listGenerationJobs, me ? { status: "pending" } : "skip");
  const history = useQuery(api.credits.getCreditHistory, {});
  if (me === undefined || credits === undefined || jobs === undefined) return null;
  const rows: Rows = Array.isArray(history) ? history : (history?.page ?? []);
  return (
    <p>
      {me?.name.toUpperCase()} {credits?.toFixed(0)} {jobs.map((job) => job.prompt).join()}
      {rows.map((row) => row.amount + row.balanceAfter)}
    </p>
  );
}

function Library({ type }: { type: "image" | "video" }) {
  const { results, status, loadMore, isLoading } = usePaginatedQuery(
    api.assets.getAssets,
    { type },
    { initialNumItems: 24 },
  );
  const all = usePaginatedQuery(api.assets.getAssets, {}, { initialNumItems: 24 });
  const none = usePaginatedQuery(api.assets.getAssets, "skip", { initialNumItems: 24 });
  const remove = useMutation(api.assets.deleteAsset);
  const ids: Id<"assets">[] = [...results, ...all.results, ...none.results].map((work) => work._id);
  return (
    <button
      disabled={isLoading || status !== "CanLoadMore"}
      onClick={() => loadMore(24)}
      onDoubleClick={() => void Promise.all(ids.map((assetId) => remove({ assetId })))}
    >
      {results.map((work): ReactNode => (
        <img key={work._id} src={work.thumbnailUrl} alt={work.prompt ?? ""} width={work.width} />
      ))}
    </button>
  );
}

/* The paged half of a function that also answers whole: a reference says which half is meant. */
const ledger = makeFunctionReference<"query", { paginationOpts: PaginationOptions }, RowPage>(
  "credits:getCreditHistory",
);

function Ledger() {
  const { results } = usePaginatedQuery(ledger, {}, { initialNumItems: 50 });
  return <ul>{results.map((row) => row.description)}</ul>;
}

function Composer() {
  const [job, setJob] = useState<Id<"generations"> | null>(null);
  const client = useConvex();
  const models = useQuery(api.models.getActiveModels);
  const cancel = useMutation(api.generations.cancelGenerationJob);
  const create = useMutation(api.generations.createGenerationJob).withOptimisticUpdate(
    (store, args) => {
      const now = store.getQuery(api.credits.getCredits, {});
      if (typeof now === "number" && args.prompt !== "")
        store.setQuery(api.credits.getCredits, {}, now - 1);
    },
  );
  async function make() {
    const model = models?.find((each) => each.isDefault);
    if (!model) return;
    const made = await create({ prompt: "a red kite", model: model.modelId, numImages: 2 });
    setJob(made.jobId);
    const found = await client.query(api.generations.getGenerationJob, { jobId: made.jobId });
    for (const assetId of found?.imageIds ?? [])
      (await client.query(api.assets.getAsset, { assetId }))?.url.toLowerCase();
  }
  return (
    <>
      <button onClick={() => void make()}>Make</button>
      <button onClick={() => job && void cancel({ jobId: job }).then((end) => end.creditsReturned)} />
    </>
  );
}

export function App({ url, children }: { url: string; children: ReactNode }) {
  return (
    <ConvexProvider client={new ConvexReactClient(url)}>
      <Account /> <Library type="image" /> <Ledger /> <Composer /> {children}
    </ConvexProvider>
  );
}

/* ---- without hooks ---- */

export async function overHttp(url: string): Promise<Job["status"] | undefined> {
  const client = new ConvexHttpClient(url);
  const videoId = await client.mutation(api.videos.createVideo, {
    prompt: "a red kite",
    model: "reel",
    duration: "5",
    generationSettings: { loop: true },
  });
  const film = await client.query(api.videos.getVideo, { videoId });
  const page = await client.query(api.assets.getAssets, {
    paginationOpts: { numItems: 10, cursor: null },
  });
  await client.query(api.assets.getAssets, {
    paginationOpts: { numItems: 10, cursor: page.continueCursor, endCursor: null },
    type: "video",
  });
  return film?.status;
}

export function overSocket(url: string, show: (credits: number | null) => void) {
  return new ConvexClient(url).onUpdate(api.credits.getCredits, {}, show);
}

/* A project that keeps functions of its own beside the frontend: only the types matter here. */
export async function ownQuery(ctx: QueryCtx, id: Id<"users">): Promise<Doc<"users"> | null> {
  const first = await ctx.db
    .query("users")
    .withIndex("by_email", (q) => q.eq("email", "a@example.com"))
    .first();
  return first ?? (await ctx.db.get(id));
}
export const ownMutation = (ctx: MutationCtx, id: Id<"assets">) =>
  ctx.db.patch(id, { isFavorite: true });

/* ---- what must be refused ---- */

export function Wrong(props: { user: Id<"users">; asset: Id<"assets">; ctx: QueryCtx }) {
  // @ts-expect-error TS2345: a required argument is missing
  useQuery(api.assets.getAsset, {});
  // @ts-expect-error TS2554: arguments cannot be left out where one is required
  useQuery(api.assets.getAsset);
  // @ts-expect-error TS2322: the id of another table
  useQuery(api.assets.getAsset, { assetId: props.user });
  // @ts-expect-error TS2322: a text is not an id
  useQuery(api.generations.getGenerationJob, { jobId: "j1" });
  // @ts-expect-error TS2322: no such choice
  useQuery(api.generations.listGenerationJobs, { status: "done" });
  // @ts-expect-error TS2561: no such argument
  useQuery(api.generations.listGenerationJobs, { states: "pending" });
  // @ts-expect-error TS2345: a mutation is not a query
  useQuery(api.assets.deleteAsset, { assetId: props.asset });
  // @ts-expect-error TS2345: nor an action
  useAction(api.assets.deleteAsset);
  // @ts-expect-error TS2345: internal functions are not for frontends
  useQuery(internal.accounts.find, { email: "a@example.com" });
  // @ts-expect-error TS2339: no such function
  useMutation(api.assets.dropAsset);
  // @ts-expect-error TS2345: a query that answers no pages
  usePaginatedQuery(api.generations.listGenerationJobs, {}, { initialNumItems: 5 });
  // @ts-expect-error TS2322: a page's other arguments are checked as well
  usePaginatedQuery(api.assets.getAssets, { type: "sound" }, { initialNumItems: 5 });
  const { results } = usePaginatedQuery(api.assets.getAssets, {}, { initialNumItems: 5 });
  // @ts-expect-error TS2339: items have the fields that they have
  results.map((work) => work.colour);
  const create = useMutation(api.generations.createGenerationJob);
  // @ts-expect-error TS2322: a number is not a text
  void create({ prompt: 7, model: "sketch" });
  // @ts-expect-error TS2344: no such table
  const strange: Id<"kites">[] = [];
  // @ts-expect-error TS2345: no such index
  props.ctx.db.query("users").withIndex("by_shoe_size");
  return useQueries({ strange: { query: api.credits.getCredits, args: { strange } } });
}
