/* SPDX-License-Identifier: Apache-2.0 */
/* Asks before an account goes for good with all that is in it. What was removed is told by the
   certificate that follows. */
import * as Alert from "@radix-ui/react-alert-dialog";
import { useState } from "react";
import { messageOf } from "../app/faults";
import { isOffline, useMe } from "../app/live";
import { client, leaving } from "../app/session";
import { toast } from "../app/toast";
import { api } from "../convex/_generated/api";
import { size } from "../format";
import { Button } from "../parts/Button";
import { words } from "../words";

export default function Leave({ onClose }: { onClose: () => void }) {
  const me = useMe();
  const [fault, setFault] = useState<string>();
  const s = words.settings;
  /* Every live query goes first: they would be told that nobody is signed in. */
  const act = async () => {
    if (isOffline()) return setFault(words.remove.offline);
    leaving.set({});
    try {
      const { certificateUrl, expiresAt } = await client.mutation(api.account.deleteAccount, {});
      leaving.set({ url: certificateUrl, until: expiresAt });
    } catch (thrown) {
      leaving.set(undefined);
      toast({ id: "leaving", text: messageOf(thrown) });
    }
  };
  return (
    <Alert.Root open onOpenChange={(open) => !open && onClose()}>
      <Alert.Portal>
        <Alert.Overlay className="scrim" />
        <Alert.Content className="dialog" onCloseAutoFocus={(event) => { event.preventDefault(); document.getElementById("leave")?.focus(); }}>
          <Alert.Title>{s.endTitle}</Alert.Title>
          <Alert.Description>{s.endText(me?.email ?? "", size(me?.storageUsedBytes ?? 0), me?.credits ?? 0)}</Alert.Description>
          {fault && <p className="wrong" role="alert">{fault}</p>}
          <div className="dialog-acts">
            <Alert.Cancel asChild><Button>{s.endKeep}</Button></Alert.Cancel>
            <Button look="destroy" onClick={() => void act()}>{s.endSure}</Button>
          </div>
        </Alert.Content>
      </Alert.Portal>
    </Alert.Root>
  );
}
