/* SPDX-License-Identifier: Apache-2.0 */
/* What can be chosen beside the words: only what the model declares, with its own ranges and names. */
import { useQuery } from "convex/react";
import { api } from "../convex/_generated/api";
import type { Tier } from "../types";
import { words } from "../words";
import { SeedLine, Segments, ShapeTiles, Slide } from "./Controls";
import type { Change, Draft } from "./draft";
import { mayHave, type Plan } from "./plan";

interface Props {
  plan: Plan;
  draft: Draft;
  change: Change;
  planKey: string;
}

const c = words.composer;
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/* Tiers that are for other plans stand there with the plan that has them, and cannot be chosen. */
function Tiers({ label, tiers, value, planKey, onChange }: { label: string; tiers: Tier[]; value: string; planKey: string; onChange: (name: string) => void }) {
  const beyond = tiers.filter((tier) => !mayHave(tier, planKey));
  const plans = useQuery(api.plans.listPlans, beyond.length > 0 ? {} : "skip");
  const named = (keys: string[]) => keys.map((key) => plans?.find((plan) => plan.key === key)?.name ?? key).join(", ");
  return (
    <div>
      <Segments label={label} options={tiers.map((tier) => tier.name)} off={beyond.map((tier) => tier.name)} value={value} onChange={onChange} />
      {beyond.map((tier) => <p key={tier.name} className="small quiet beyond">{c.beyond(tier.name, named(tier.plans ?? []))}</p>)}
    </div>
  );
}

function PictureParams({ plan, change }: Props) {
  const { maxImages } = plan.model.capabilities;
  return maxImages > 1 ? <Segments label={c.many} options={upTo(maxImages)} value={plan.count} onChange={(count) => change({ count })} /> : null;
}

function FilmParams({ plan, change }: Props) {
  return (
    <>
      {plan.seconds !== undefined && plan.durations.length > 1 && (
        <Segments label={c.duration} options={plan.durations} value={plan.seconds} name={c.seconds} onChange={(seconds) => change({ seconds })} />
      )}
      {plan.still !== undefined && (
        <Segments
          label={c.camera} options={["moves", "still"]} value={plan.still ? "still" : "moves"} name={(value) => c.cameraNames[value as "moves" | "still"]}
          onChange={(value) => change({ still: value === "still" })}
        />
      )}
    </>
  );
}

function FineParams({ plan, draft, change }: Props) {
  const { steps, guidance, seed } = plan.model.capabilities;
  if (plan.film || (!steps && !guidance && !seed)) return null;
  return (
    <div className="fine">
      {steps && plan.steps !== undefined && (
        <Slide label={c.steps} range={steps} step={steps.step || 1} value={plan.steps} onChange={(value) => change({ steps: value })} />
      )}
      {guidance && plan.guidance !== undefined && (
        <Slide label={c.guidance} range={guidance} step={guidance.step || 0.5} value={plan.guidance} onChange={(value) => change({ guidance: value })} />
      )}
      {seed && <SeedLine value={draft.seed} onChange={(value) => change({ seed: value })} />}
    </div>
  );
}

export function Params(props: Props) {
  const { plan, planKey, change } = props;
  const { sizes, qualities, resolutions } = plan.model.capabilities;
  return (
    <>
      {plan.shape && sizes.length > 1 && <ShapeTiles shapes={sizes} value={plan.shape} onChange={(shape) => change({ shape })} />}
      {plan.film ? <FilmParams {...props} /> : <PictureParams {...props} />}
      {plan.quality !== undefined && qualities.length > 1 && (
        <Tiers label={c.quality} tiers={qualities} value={plan.quality} planKey={planKey} onChange={(quality) => change({ quality })} />
      )}
      {plan.resolution !== undefined && resolutions.length > 1 && (
        <Tiers label={c.resolution} tiers={resolutions} value={plan.resolution} planKey={planKey} onChange={(resolution) => change({ resolution })} />
      )}
      <FineParams {...props} />
    </>
  );
}
