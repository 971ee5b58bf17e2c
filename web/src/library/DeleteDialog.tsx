/* SPDX-License-Identifier: Apache-2.0 */
/* Asks before a work is gone for good; the safe answer has the focus. */
import * as Alert from "@radix-ui/react-alert-dialog";
import { useMutation } from "convex/react";
import { useState } from "react";
import { messageOf } from "../app/faults";
import { isOffline } from "../app/live";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import { Button } from "../parts/Button";
import type { Asset } from "../types";
import { words } from "../words";

interface Props {
  asset: Asset;
  onDone: (gone: boolean) => void;
}

export default function DeleteDialog({ asset, onDone }: Props) {
  const remove = useMutation(api.assets.deleteAsset);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const r = words.remove;
  const act = async () => {
    if (isOffline()) return setFault(r.offline);
    setBusy(true);
    setFault(undefined);
    try {
      await remove({ assetId: asset._id });
      reply(r.said(asset.sizeBytes));
      onDone(true);
    } catch (thrown) {
      setFault(messageOf(thrown) || r.failed);
      setBusy(false);
    }
  };
  return (
    <Alert.Root open onOpenChange={(open) => !open && !busy && onDone(false)}>
      <Alert.Portal>
        <Alert.Overlay className="scrim" />
        <Alert.Content className="dialog" onCloseAutoFocus={(event) => event.preventDefault()}>
          <Alert.Title>{r.title(asset.type === "video")}</Alert.Title>
          {asset.prompt && <p className="words clamp">{asset.prompt}</p>}
          <Alert.Description>{r.text(asset.sizeBytes)}</Alert.Description>
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
