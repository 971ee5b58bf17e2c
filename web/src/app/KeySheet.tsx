/* SPDX-License-Identifier: Apache-2.0 */
import * as Dialog from "@radix-ui/react-dialog";
import { CloseIcon } from "../parts/icons";
import { words } from "../words";
import { keySheet, letterKeys, letterKeysChoose, mod } from "./keys";
import { useReturnFocus } from "./returnFocus";
import { useStore } from "./store";

export default function KeySheet() {
  const letters = useStore(letterKeys);
  const returnFocus = useReturnFocus();
  return (
    <Dialog.Root open onOpenChange={(open) => keySheet.set(open)}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog wide" onCloseAutoFocus={returnFocus} aria-describedby={undefined}>
          <div className="rowline">
            <Dialog.Title>{words.keys.title}</Dialog.Title>
            <Dialog.Close className="closer" aria-label={words.close}><CloseIcon /></Dialog.Close>
          </div>
          <div className="keygroups">
            {words.keys.groups.map(([group, keys]) => (
              <section key={group}>
                <h3>{group}</h3>
                <dl>
                  {keys.map(([key, act]) => (
                    <div key={key} className="rowline"><dt>{act}</dt><dd><kbd>{key.replace("Mod", mod)}</kbd></dd></div>
                  ))}
                </dl>
              </section>
            ))}
          </div>
          <label className="check">
            <input type="checkbox" checked={letters} onChange={(event) => letterKeysChoose(event.target.checked)} />
            <span>{words.settings.keys}<span className="quiet small">{words.settings.keysHelp}</span></span>
          </label>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
