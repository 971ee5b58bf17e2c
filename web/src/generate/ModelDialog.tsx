/* SPDX-License-Identifier: Apache-2.0 */
/* All models of a kind: found by name or by what they are for, sorted by price or by speed. */
import * as Dialog from "@radix-ui/react-dialog";
import * as Radio from "@radix-ui/react-radio-group";
import { useState } from "react";
import { useReturnFocus } from "../app/returnFocus";
import { CloseIcon } from "../parts/icons";
import type { Model } from "../types";
import { words } from "../words";
import { Row } from "./ModelRow";

const c = words.composer;
type Sort = "listed" | "price" | "speed";
const orders: Record<Sort, (one: Model, other: Model) => number> = {
  listed: () => 0,
  price: (one, other) => one.credits - other.credits,
  speed: (one, other) => one.typicalSeconds - other.typicalSeconds,
};

const holds = (model: Model, text: string) => `${model.name} ${model.description}`.toLowerCase().includes(text.trim().toLowerCase());

interface Props {
  models: Model[];
  value: string;
  onChange: (id: string) => void;
  onClose: () => void;
}

export default function ModelDialog({ models, value, onChange, onClose }: Props) {
  const [text, setText] = useState("");
  const [sort, setSort] = useState<Sort>("listed");
  const returnFocus = useReturnFocus();
  const shown = models.filter((model) => holds(model, text)).sort(orders[sort]);
  return (
    <Dialog.Root open onOpenChange={onClose}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog tallest" onCloseAutoFocus={returnFocus} aria-describedby={undefined}>
          <div className="rowline">
            <Dialog.Title>{c.allModels(models.length)}</Dialog.Title>
            <Dialog.Close className="closer" aria-label={words.close}><CloseIcon /></Dialog.Close>
          </div>
          <input className="input" type="search" aria-label={c.findModel} placeholder={c.findModel} value={text} onChange={(event) => setText(event.target.value)} />
          <Radio.Root className="wordlist small" aria-label={c.sort} orientation="horizontal" value={sort} onValueChange={(next) => setSort(next as Sort)}>
            {(["listed", "price", "speed"] as const).map((one) => <Radio.Item key={one} className="word" value={one}>{c.sorts[one]}</Radio.Item>)}
          </Radio.Root>
          <ul className="models">
            {shown.map((model) => (
              <li key={model.modelId}>
                <button type="button" className="model" aria-pressed={model.modelId === value} disabled={model.restingUntil !== undefined} onClick={() => { onChange(model.modelId); onClose(); }}>
                  <Row model={model} pick={model.isDefault} />
                </button>
              </li>
            ))}
          </ul>
          {shown.length === 0 && <p className="quiet">{words.palette.none}</p>}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
