/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done with a work, wherever it is shown. */
import { messageOf } from "../app/faults";
import { client } from "../app/session";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import { cut } from "../format";
import type { Asset, JobId } from "../types";
import { words } from "./words";

const endings: Record<string, string> = {
  "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif", "image/gif": "gif",
  "image/heic": "heic", "image/heif": "heif", "video/mp4": "mp4", "video/webm": "webm", "video/quicktime": "mov",
};

/* "a-red-kite-over-1k2.png": the prompt's first words, or what the file was called, and enough of the id
   to tell works apart. */
export function fileName(asset: Asset): string {
  const said = cut(asset.prompt || asset.title?.replace(/\.\w{1,5}$/, "") || "", 60).toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  return `${said || "atelier"}-${asset._id.slice(-6)}.${endings[asset.mimeType] ?? "bin"}`;
}

/* The original, byte for byte. */
export function download(asset: Asset) {
  const link = document.createElement("a");
  link.href = asset.url;
  link.download = fileName(asset);
  link.click();
}

/* A copy that says in its metadata how it was made: prompt, model, seed, and that a model made it. */
export async function downloadStamped(asset: Asset) {
  const { url } = await client.query(api.assets.getSignedUrl, { assetId: asset._id, metadata: true, download: true });
  location.assign(url);
}

/* A film that came by upload has no generation, which is how films are marked. */
export const canMark = (asset: Asset) => asset.type === "image" || asset.generationId !== undefined;

/* A favourite, or not any more. */
export async function mark(asset: Asset) {
  const isFavorite = !asset.isFavorite;
  try {
    if (asset.type === "image") await client.mutation(api.images.update, { imageId: asset._id, isFavorite });
    else await client.mutation(api.videos.toggleVideoFavorite, { videoId: asset.generationId as JobId });
    reply(isFavorite ? words.mark.said : words.mark.saidNot);
  } catch (thrown) {
    reply(messageOf(thrown) || words.mark.failed);
  }
}

/* Something is known of its making. */
export const canUseAgain = (asset: Asset) => Boolean(asset.generationId || asset.prompt || asset.embedded?.prompt);
export const useAgainAddress = (asset: Asset) => `/generate?from=${encodeURIComponent(asset._id)}`;
export const startAddress = (asset: Asset) => `/generate?start=${encodeURIComponent(asset._id)}`;
