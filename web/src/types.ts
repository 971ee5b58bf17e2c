/* SPDX-License-Identifier: Apache-2.0 */
/* Short names for what the server answers; the shapes themselves are generated from its tables. */
import type { FunctionArgs, FunctionReference, FunctionReturnType, PaginationOptions, PaginationResult } from "convex/server";
import { api } from "./convex/_generated/api";

type WireUser = NonNullable<FunctionReturnType<typeof api.users.getCurrentUser>>;
type WireModel = FunctionReturnType<typeof api.models.getActiveModels>[number];
type WireJob = FunctionReturnType<typeof api.generations.listGenerationJobs>[number];
export type User = WireUser & { imageCount?: number; videoCount?: number };
export interface Range {
  min: number;
  max: number;
  default: number;
  step?: number;
}
export type Model = WireModel;
export type Tier = WireModel["capabilities"]["qualities"][number];
export type Job = WireJob;
export type Asset = NonNullable<FunctionReturnType<typeof api.assets.getAsset>>;
/* The same function, with the names which the client gives to pages. */
type Chosen = Omit<FunctionArgs<typeof api.assets.getAssets>, "paginationOpts">;
type Pages = FunctionReference<"query", "public", { paginationOpts: PaginationOptions } & Chosen, PaginationResult<Asset>>;
export const worksByPage = api.assets.getAssets as unknown as Pages;
/* What the frame of a work in a grid needs. */
export type Spot = FunctionReturnType<typeof api.assets.getShelf>["page"][number];
export type ShelfChoice = Omit<FunctionArgs<typeof api.assets.getShelf>, "paginationOpts">;
export const shelfByPage = api.assets.getShelf as unknown as FunctionReference<
  "query", "public", ShelfChoice & { paginationOpts: PaginationOptions }, PaginationResult<Spot>
>;
export type AssetId = FunctionArgs<typeof api.assets.getAsset>["assetId"];
export type JobId = FunctionArgs<typeof api.generations.getGenerationJob>["jobId"];
export type PictureRequest = FunctionArgs<typeof api.generations.createGenerationJob>;
export type FilmRequest = FunctionArgs<typeof api.videos.createVideo>;

export const isAlive = (job: Job) => job.status === "pending" || job.status === "processing" || job.status === "uploading";
export const isFilm = (job: Job) => job.kind === "video";
/* creditsUsed is what it costs: what was held, less what came back. */
export const costOf = (job: Job) => job.creditsUsed;
export const quotedFor = (job: Job) => job.creditsUsed + job.creditsRefunded;
