/* SPDX-License-Identifier: Apache-2.0 */
/* A model as it stands in a list: its name, what it is for, its price and its typical time. */
import { timeOfDay, took } from "../format";
import type { Model } from "../types";
import { words } from "../words";

export function Row({ model, pick, id }: { model: Model; pick: boolean; id?: string }) {
  return (
    <>
      <span className="dot" />
      <span id={id} className="model-text">
        <span className="model-line">
          <span className="model-name"><b>{model.name}</b>{pick && <em>{words.composer.housePick}</em>}</span>
          <span className="num">{words.composer.each(model.credits)}</span>
        </span>
        <span className="model-line about">
          {model.restingUntil === undefined ? <span>{model.description}</span> : <span>{words.composer.resting(timeOfDay(model.restingUntil))}</span>}
          {model.typicalSeconds && model.restingUntil === undefined ? <span className="num">{took(model.typicalSeconds)}</span> : null}
        </span>
      </span>
    </>
  );
}
