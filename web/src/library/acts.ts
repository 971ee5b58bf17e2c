/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done with a work, wherever it is shown. */
import { client } from "../app/session";
import { api } from "../convex/_generated/api";
import { cut } from "../format";
import type { Asset } from "../types";

const endings: Record<string, string> = {
  "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif", "video/mp4": "mp4", "video/webm": "webm",
};

/* "a-red-kite-over-1k2.png": the prompt's first words, and enough of the id to tell works apart. */
export function fileName(asset: Asset): string {
  const said = cut(asset.prompt ?? "", 60).toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
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

export const useAgainAddress = (asset: Asset) => `/generate?from=${encodeURIComponent(asset._id)}`;
export const startAddress = (asset: Asset) => `/generate?start=${encodeURIComponent(asset._id)}`;
