/* SPDX-License-Identifier: Apache-2.0 */
/* Asks before works are gone for good; the safe answer has the focus. */
import * as Alert from "@radix-ui/react-alert-dialog";
import { useMutation } from "convex/react";
import { useState } from "react";
import { messageOf } from "../app/faults";
import { isOffline } from "../app/live";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import { Button } from "../parts/Button";
import type { AssetId } from "../types";
import { words as common } from "../words";
import { words } from "./words";

const AT_ONCE = 200;

export interface Doomed {
  _id: AssetId;
  sizeBytes: number;
  type: "image" | "video";
  prompt?: string;
}

interface Props {
  works: Doomed[];
  onDone: (gone: boolean) => void;
}

const roomOf = (works: Doomed[]) => works.reduce((sum, work) => sum + work.sizeBytes, 0);

/* Deletes all of them; what fails leaves the rest untouched, and says how far it came. */
function useRemoval(works: Doomed[], onDone: (gone: boolean) => void) {
  const remove = useMutation(api.assets.deleteAssets);
  const [done, setDone] = useState<number>();
  const [fault, setFault] = useState<string>();
  const act = async () => {
    if (isOffline()) return setFault(common.remove.offline);
    let gone = 0;
    let freed = 0;
    setFault(undefined);
    setDone(0);
    try {
      while (gone < works.length) {
        const part = works.slice(gone, gone + AT_ONCE);
        freed += (await remove({ assetIds: part.map((work) => work._id) })).freedBytes;
        gone += part.length;
        setDone(gone);
      }
      reply(works.length === 1 ? common.remove.said(freed) : words.remove.said(gone, freed));
      onDone(true);
    } catch (thrown) {
      const why = messageOf(thrown) || common.remove.failed;
      setFault(gone > 0 ? words.remove.partly(gone, works.length, why) : why);
      setDone(undefined);
    }
  };
  return { done, fault, act };
}

export default function DeleteDialog({ works, onDone }: Props) {
  const [asked] = useState(works);
  const { done, fault, act } = useRemoval(asked, onDone);
  const r = common.remove;
  const one = asked.length === 1 ? asked[0] : undefined;
  const busy = done !== undefined;
  return (
    <Alert.Root open onOpenChange={(open) => !open && !busy && onDone(false)}>
      <Alert.Portal>
        <Alert.Overlay className="scrim" />
        <Alert.Content className="dialog" onCloseAutoFocus={(event) => event.preventDefault()}>
          <Alert.Title>{one ? r.title(one.type === "video") : words.remove.title(asked.length)}</Alert.Title>
          {one?.prompt && <p className="words clamp">{one.prompt}</p>}
          <Alert.Description>{one ? r.text(one.sizeBytes) : words.remove.text(roomOf(asked))}</Alert.Description>
          {busy && !one && <p className="quiet num" role="status">{words.remove.going(done, asked.length)}</p>}
          {fault && <p className="wrong" role="alert">{fault}</p>}
          <div className="dialog-acts">
            <Alert.Cancel asChild><Button>{r.keep}</Button></Alert.Cancel>
            <Button look="destroy" busy={busy} onClick={() => void act()}>{r.act}</Button>
          </div>
        </Alert.Content>
      </Alert.Portal>
    </Alert.Root>
  );
}
