/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the server something that the payment service must answer. An address is gone to at once; the
   button stays busy until the browser has left. One question at a time, its fault beside its button. */
import { useEffect, useState } from "react";
import { messageOf } from "../app/faults";
import { isOffline } from "../app/live";
import { reply, shout } from "../app/voice";
import { words } from "./words";

export interface Pay {
  busy?: string;
  fault?: { at: string; text: string };
  /* True when there was no fault. */
  run: (at: string, ask: () => Promise<unknown>, said?: string) => Promise<boolean>;
}

export function usePay(): Pay {
  const [busy, setBusy] = useState<string>();
  const [fault, setFault] = useState<Pay["fault"]>();
  /* The browser may bring the page back as it was left. */
  useEffect(() => {
    const back = () => setBusy(undefined);
    addEventListener("pageshow", back);
    return () => removeEventListener("pageshow", back);
  }, []);

  const fail = (at: string, text: string) => {
    setFault({ at, text });
    setBusy(undefined);
    shout(text);
    return false;
  };
  const run: Pay["run"] = async (at, ask, said) => {
    if (busy !== undefined) return false;
    if (isOffline()) return fail(at, words.said.offline);
    setBusy(at);
    setFault(undefined);
    try {
      const answer = await ask();
      if (said !== undefined) {
        reply(said);
        setBusy(undefined);
        return true;
      }
      if (typeof answer !== "string" || !/^https?:\/\//.test(answer)) return fail(at, words.said.noAddress);
      location.assign(answer);
      return true;
    } catch (thrown) {
      return fail(at, messageOf(thrown));
    }
  };
  return { busy, fault, run };
}
