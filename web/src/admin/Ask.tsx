/* SPDX-License-Identifier: Apache-2.0 */
/* Asks before something is done to somebody else; the safe answer has the focus. It can be answered
   once: while the answer is on its way, nothing can be pressed again. */
import * as Alert from "@radix-ui/react-alert-dialog";
import { useRef, useState, type ReactNode } from "react";
import { messageOf } from "../app/faults";
import { isOffline } from "../app/live";
import { useReturnFocus } from "../app/returnFocus";
import { Button } from "../parts/Button";
import { words } from "../words";
import { adminWords } from "./words";

interface Props {
  title: string;
  act: string;
  destroys?: boolean;
  children: ReactNode;
  onAct: () => Promise<void>;
  onClose: () => void;
}

export function Ask({ title, act, destroys, children, onAct, onClose }: Props) {
  const under = useRef(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const returnFocus = useReturnFocus();
  const answer = async () => {
    if (isOffline()) return setFault(words.remove.offline);
    if (under.current) return;
    under.current = true;
    setBusy(true);
    setFault(undefined);
    try {
      await onAct();
      onClose();
    } catch (thrown) {
      setFault(messageOf(thrown));
      setBusy(false);
      under.current = false;
    }
  };
  return (
    <Alert.Root open onOpenChange={(open) => !open && !busy && onClose()}>
      <Alert.Portal>
        <Alert.Overlay className="scrim" />
        <Alert.Content className="dialog" onCloseAutoFocus={returnFocus}>
          <Alert.Title>{title}</Alert.Title>
          <Alert.Description asChild><div className="ask">{children}</div></Alert.Description>
          {fault && <p className="wrong" role="alert">{fault}</p>}
          <div className="dialog-acts">
            <Alert.Cancel asChild><Button idle={busy}>{adminWords.stay}</Button></Alert.Cancel>
            <Button look={destroys ? "destroy" : "main"} busy={busy} onClick={() => void answer()}>{act}</Button>
          </div>
        </Alert.Content>
      </Alert.Portal>
    </Alert.Root>
  );
}
