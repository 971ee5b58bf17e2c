/* SPDX-License-Identifier: Apache-2.0 */
/* The models as rows with a price and a typical time; three of them, the rest behind a word. */
import * as Radio from "@radix-ui/react-radio-group";
import { useState } from "react";
import { took } from "../format";
import type { Model } from "../types";
import { words } from "../words";

const SHOWN = 3;

function Row({ model, pick }: { model: Model; pick: boolean }) {
  return (
    <Radio.Item className="model" value={model.modelId} aria-labelledby={`model-${model.modelId}`}>
      <span className="dot" />
      <span id={`model-${model.modelId}`} className="model-text">
        <span className="model-line">
          <span className="model-name"><b>{model.name}</b>{pick && <em>{words.composer.housePick}</em>}</span>
          <span className="num">{words.composer.each(model.credits)}</span>
        </span>
        <span className="model-line about">
          <span>{model.description}</span>
          {model.typicalSeconds ? <span className="num">{took(model.typicalSeconds)}</span> : null}
        </span>
      </span>
    </Radio.Item>
  );
}

export function ModelList({ models, value, onChange }: { models: Model[]; value: string; onChange: (id: string) => void }) {
  const [all, setAll] = useState(false);
  const chosen = models.findIndex((model) => model.modelId === value);
  const folded = !all && models.length > SHOWN && chosen < SHOWN;
  const shown = folded ? models.slice(0, SHOWN) : models;
  return (
    <div>
      <Radio.Root className="models" aria-label={words.composer.model} value={value} onValueChange={onChange}>
        {shown.map((model) => (
          <Row key={model.modelId} model={model} pick={model.isDefault && models.length > 1} />
        ))}
      </Radio.Root>
      {folded && (
        <button type="button" className="word small" onClick={() => setAll(true)}>{words.composer.allModels(models.length)}</button>
      )}
    </div>
  );
}
