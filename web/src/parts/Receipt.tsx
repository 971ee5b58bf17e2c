/* SPDX-License-Identifier: Apache-2.0 */
import * as Dialog from "@radix-ui/react-dialog";
import { useState } from "react";
import { useReturnFocus } from "../app/returnFocus";
import type { Job } from "../types";
import { words } from "../words";
import { Button } from "./Button";
import { CloseIcon } from "./icons";
import { ReceiptRows } from "./ReceiptRows";

export default function Receipt({ job, onClose }: { job: Job; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  const r = words.receipt;
  const returnFocus = useReturnFocus();
  const copy = () => void navigator.clipboard?.writeText(job._id).then(() => setCopied(true));
  return (
    <Dialog.Root open onOpenChange={onClose}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog" onCloseAutoFocus={returnFocus} aria-describedby={undefined}>
          <div className="rowline">
            <Dialog.Title>{r.title}</Dialog.Title>
            <Dialog.Close className="closer" aria-label={words.close}><CloseIcon /></Dialog.Close>
          </div>
          <ReceiptRows job={job} />
          <dl className="meta">
            <dt>{r.model}</dt><dd>{job.model}</dd>
            <dt>{r.job}</dt><dd className="code">{job._id}</dd>
          </dl>
          <div><Button onClick={copy}>{copied ? r.copied : r.copy}</Button></div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
