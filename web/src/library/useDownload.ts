/* SPDX-License-Identifier: Apache-2.0 */
/* Several works as one ZIP: the server answers an address, and the browser saves what streams from it. */
import { useMutation } from "convex/react";
import { useState } from "react";
import { messageOf } from "../app/faults";
import { isOffline } from "../app/live";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import type { AssetId } from "../types";
import { words } from "./words";

const AT_ONCE = 1000;

function follow(address: string) {
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  link.click();
}

export function useDownload() {
  const create = useMutation(api.assets.createDownload);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const start = async (assetIds: AssetId[]) => {
    if (assetIds.length > AT_ONCE) return setFault(words.picks.tooMany(AT_ONCE));
    if (isOffline()) return setFault(words.picks.offline);
    setBusy(true);
    setFault(undefined);
    try {
      const made = await create({ assetIds });
      follow(made.url);
      reply(words.picks.begun(made.count, made.sizeBytes));
    } catch (thrown) {
      setFault(messageOf(thrown) || words.picks.zipFailed);
    }
    setBusy(false);
  };
  return { busy, fault, start, forget: () => setFault(undefined) };
}
