/* SPDX-License-Identifier: Apache-2.0 */
/* One file, carried to /api/uploads by tus 1.0 and then made a work. Three more attempts by itself. */
import { Upload as Tus, type DetailedError } from "tus-js-client";
import { messageOf } from "../app/faults";
import { client, sessionToken } from "../app/session";
import { api } from "../convex/_generated/api";
import { measure } from "./measure";
import { change, uploadWait, type Upload } from "./queue";
import { words } from "./words";

const ENDPOINT = "/api/uploads";
const DELAYS = [500, 2000, 5000];
/* What a second attempt cannot change; the server has forgotten such an upload already. */
const HOPELESS = [400, 413, 415];
const WAIT_MIN = 5; /* seconds */
const WAIT_MAX = 300;

export interface Carrier {
  pause(): void;
  resume(): void;
  /* isThere: the server still holds a part, which goes too. */
  remove(isThere: boolean): void;
}

interface Landed {
  storageId: string;
  mimeType: string;
}

/* What the server said, or that it said nothing. */
function refusalOf(fault: Error | DetailedError): { fault: string; hopeless: boolean; lost?: boolean; full?: boolean } {
  const response = "originalResponse" in fault ? fault.originalResponse : null;
  const status = response?.getStatus() ?? 0;
  if (!response || status === 0) return { fault: words.faults.noAnswer, hopeless: false, lost: true };
  const hopeless = HOPELESS.includes(status);
  try {
    const { message, code } = JSON.parse(response.getBody()) as { message?: string; code?: string };
    return { fault: message ?? words.faults.refused(status), hopeless: hopeless && code !== "QUOTA", full: code === "QUOTA" };
  } catch {
    return { fault: words.faults.refused(status), hopeless };
  }
}

/* What to wait when there were too many, by the server. */
function waitOf(fault: Error | DetailedError): number | undefined {
  const response = "originalResponse" in fault ? fault.originalResponse : null;
  if (response?.getStatus() !== 429) return undefined;
  return Math.min(Number(response.getHeader("Retry-After")) || WAIT_MIN, WAIT_MAX) * 1000;
}

/* Asks again only when that may help: not for what is too large or of a wrong kind. */
function isWorthAnother(fault: DetailedError): boolean {
  const status = fault.originalResponse?.getStatus() ?? 0;
  return status === 0 || status === 401 || status === 409 || status === 423 || status >= 500;
}

async function makeWork(upload: Upload, landed: Landed, shape: ReturnType<typeof measure>) {
  change(upload.id, { phase: "landing", sent: upload.file.size });
  try {
    const assetId = await client.mutation(api.assets.uploadAsset, {
      storageId: landed.storageId,
      type: landed.mimeType.startsWith("video/") ? "video" : "image",
      mimeType: landed.mimeType,
      sizeBytes: upload.file.size,
      ...(await shape),
    });
    change(upload.id, { phase: "done", assetId });
  } catch (thrown) {
    change(upload.id, { phase: "failed", fault: messageOf(thrown) });
  }
}

export function carry(upload: Upload): Carrier {
  let landed: Landed | undefined;
  const shape = measure(upload.file, upload.film);
  const tus = new Tus(upload.file, {
    endpoint: ENDPOINT,
    retryDelays: DELAYS,
    metadata: { filename: upload.file.name, filetype: upload.file.type },
    removeFingerprintOnSuccess: true,
    async onBeforeRequest(request) {
      request.setHeader("Authorization", `Bearer ${(await sessionToken()) ?? ""}`);
    },
    onShouldRetry(fault) {
      const again = isWorthAnother(fault);
      if (again) change(upload.id, { stalled: true });
      return again;
    },
    onProgress: (sent) => change(upload.id, { sent, stalled: false }),
    onError(fault) {
      const wait = waitOf(fault);
      if (wait !== undefined) uploadWait(upload.id, wait);
      else change(upload.id, { phase: "failed", ...refusalOf(fault) });
    },
    onSuccess({ lastResponse }) {
      const storageId = lastResponse.getHeader("Atelier-Storage-Id");
      if (!storageId) return change(upload.id, { phase: "failed", fault: words.faults.noAnswer });
      landed = { storageId, mimeType: lastResponse.getHeader("Atelier-Content-Type") ?? upload.file.type };
      void makeWork(upload, landed, shape);
    },
  });
  const resume = () => (landed ? void makeWork(upload, landed, shape) : tus.start());
  void tus.findPreviousUploads().then(([previous]) => {
    if (previous) tus.resumeFromPreviousUpload(previous);
    resume();
  }, resume);
  return {
    resume,
    pause: () => void tus.abort(),
    /* What is a work by now is the library's. */
    remove: (isThere) => void (landed ? undefined : tus.abort(isThere && tus.url !== null).catch(() => undefined)),
  };
}
