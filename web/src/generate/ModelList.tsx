/* SPDX-License-Identifier: Apache-2.0 */
/* The models as rows with a price and a typical time: the first three, and the chosen one where it is
   another; all of them are behind a word. */
import * as Radio from "@radix-ui/react-radio-group";
import { lazy, Suspense, useState } from "react";
import type { Model } from "../types";
import { words } from "../words";
import { Row } from "./ModelRow";

const ModelDialog = lazy(() => import("./ModelDialog"));

const SHOWN = 3;

export function ModelList({ models, value, onChange }: { models: Model[]; value: string; onChange: (id: string) => void }) {
  const [all, setAll] = useState(false);
  const shown = models.filter((model, index) => index < SHOWN || model.modelId === value);
  return (
    <div>
      <Radio.Root className="models" aria-label={words.composer.model} value={value} onValueChange={onChange}>
        {shown.map((model) => (
          <Radio.Item key={model.modelId} className="model" value={model.modelId} disabled={model.restingUntil !== undefined && model.modelId !== value} aria-labelledby={`model-${model.modelId}`}>
            <Row model={model} pick={model.isDefault && models.length > 1} id={`model-${model.modelId}`} />
          </Radio.Item>
        ))}
      </Radio.Root>
      {models.length > shown.length && (
        <button type="button" className="word small" onClick={() => setAll(true)}>{words.composer.allModels(models.length)}</button>
      )}
      {all && <Suspense><ModelDialog models={models} value={value} onChange={onChange} onClose={() => setAll(false)} /></Suspense>}
    </div>
  );
}
