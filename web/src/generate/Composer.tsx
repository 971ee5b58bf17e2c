/* SPDX-License-Identifier: Apache-2.0 */
/* The left side of /generate: what to make, of what, and for how much. */
import * as Radio from "@radix-ui/react-radio-group";
import { useQuery } from "convex/react";
import { useState, type FormEvent, type KeyboardEvent } from "react";
import { isOffline } from "../app/live";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import type { Model, User } from "../types";
import { words } from "../words";
import { SeedLine, Segments, ShapeTiles, Slide } from "./Controls";
import { enoughFor, modelsFor, planOf, quoted, resetDraft, type Change, type Draft, type Kind, type Plan } from "./draft";
import { ModelList } from "./ModelList";
import { PayBar } from "./PayBar";
import { PromptField } from "./PromptField";
import { useSend } from "./useSend";

interface Props {
  me: User;
  models: Model[];
  draft: Draft;
  change: Change;
  onSent: () => void;
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

function PictureControls({ plan, change }: { plan: Plan; change: Change }) {
  const can = plan.model.capabilities;
  const c = words.composer;
  return (
    <>
      {plan.shape && can.sizes.length > 1 && (
        <ShapeTiles shapes={can.sizes} value={plan.shape} onChange={(shape) => change({ shape })} />
      )}
      {can.maxImages > 1 && (
        <Segments label={c.many} options={upTo(can.maxImages)} value={plan.count} onChange={(count) => change({ count })} />
      )}
    </>
  );
}

function FilmControls({ plan, change }: { plan: Plan; change: Change }) {
  const can = plan.model.capabilities;
  const c = words.composer;
  return (
    <>
      {plan.seconds !== undefined && can.durations && (
        <Segments label={c.duration} options={can.durations} value={plan.seconds} name={c.seconds} onChange={(seconds) => change({ seconds })} />
      )}
      {plan.resolution !== undefined && can.resolutions && can.resolutions.length > 1 && (
        <Segments label={c.resolution} options={can.resolutions.map((one) => one.name)} value={plan.resolution} onChange={(resolution) => change({ resolution })} />
      )}
      {plan.ratio !== undefined && can.aspectRatios && can.aspectRatios.length > 1 && (
        <Segments label={c.ratio} options={can.aspectRatios} value={plan.ratio} onChange={(ratio) => change({ ratio })} />
      )}
    </>
  );
}

function FineControls({ plan, draft, change }: { plan: Plan; draft: Draft; change: Change }) {
  const { steps, guidance, seed } = plan.model.capabilities;
  if (!steps && !guidance && !seed) return null;
  return (
    <div className="fine">
      {steps && plan.steps !== undefined && (
        <Slide label={words.composer.steps} range={steps} step={steps.step ?? 1} value={plan.steps} onChange={(value) => change({ steps: value })} />
      )}
      {guidance && plan.guidance !== undefined && (
        <Slide label={words.composer.guidance} range={guidance} step={guidance.step ?? 0.5} value={plan.guidance} onChange={(value) => change({ guidance: value })} />
      )}
      {seed && !plan.film && <SeedLine value={draft.seed} onChange={(value) => change({ seed: value })} />}
    </div>
  );
}

function KindWords({ kind, change }: { kind: Kind; change: Change }) {
  const c = words.composer;
  return (
    <Radio.Root
      className="wordlist kinds" aria-label={c.kind} orientation="horizontal" value={kind}
      onValueChange={(value) => change({ kind: value as Kind })}
    >
      <Radio.Item value="image" className="word">{c.picture}</Radio.Item>
      <Radio.Item value="video" className="word">{c.film}</Radio.Item>
    </Radio.Root>
  );
}

/* Why it cannot be sent now. A key reaches further than the button, so the button's word is not enough. */
function hindranceOf(plan: Plan, balance: number): string | undefined {
  const c = words.composer;
  if (isOffline()) return c.offline;
  if (plan.price <= balance) return undefined;
  return `${c.short(plan.price - balance)}. ${c.shortHelp(enoughFor(plan, balance), plan.each, plan.film)}`;
}

/* Films cost by their length and resolution: what exactly, the server says. */
function useQuoted(plan: Plan | undefined): Plan | undefined {
  const asked = plan?.film && plan.model.capabilities.resolutions.length > 0
    ? { modelId: plan.model.modelId, duration: plan.seconds, resolution: plan.resolution } : "skip";
  const each = useQuery(api.pricing.getCreditCost, asked);
  return plan && each !== undefined ? quoted(plan, each) : plan;
}

export function Composer({ me, models, draft, change, onSent }: Props) {
  const [folded, setFolded] = useState(false);
  const sending = useSend(me._id);
  const plan = useQuoted(planOf(draft, models));

  const send = async (wanted: Plan | undefined) => {
    if (!wanted) return;
    const hindrance = hindranceOf(wanted, me.credits);
    if (hindrance) return reply(hindrance);
    if (!(await sending.send(draft, wanted))) return;
    setFolded(true);
    onSent();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const enough = plan ? enoughFor(plan, me.credits) : 0;
    if (!plan || plan.price <= me.credits || enough === 0) return void send(plan);
    /* The button named the smaller number and its price. */
    change({ count: enough });
    void send(quoted({ ...plan, count: enough }, plan.each));
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    if (!event.shiftKey || !plan || plan.film) return void send(plan);
    const four = planOf({ ...draft, count: 4 }, models);
    change({ count: 4 });
    void send(four && quoted(four, plan.each));
  };
  const edit: Change = (part) => {
    sending.forget();
    change(part);
  };

  return (
    <form className="composer" aria-label={words.composer.label} onSubmit={submit} onKeyDown={press} noValidate>
      <div className="scroll">
        <KindWords kind={draft.kind} change={edit} />
        <PromptField
          draft={draft} change={edit} userId={me._id} canLeaveOut={plan?.model.capabilities.negativePrompt ?? false}
          limit={plan?.promptLimit ?? 2000}
          fault={sending.fault?.at === "prompt" ? sending.fault.text : undefined}
        />
        {plan ? (
          <>
            <button type="button" className="word unfold" aria-expanded={!folded} onClick={() => setFolded(!folded)}>
              {words.composer.settings}
            </button>
            <div className={folded ? "params folded" : "params"}>
              <ModelList
                models={modelsFor(models, draft.kind)} value={plan.model.modelId}
                onChange={(id) => edit({ models: { ...draft.models, [draft.kind]: id } })}
              />
              {plan.film ? <FilmControls plan={plan} change={edit} /> : <PictureControls plan={plan} change={edit} />}
              <FineControls plan={plan} draft={draft} change={edit} />
              <button type="button" className="word end" onClick={() => edit(resetDraft(draft))}>{words.composer.resetAll}</button>
            </div>
          </>
        ) : (
          <p className="quiet">{words.composer.noModels}</p>
        )}
      </div>
      {plan && (
        <PayBar plan={plan} balance={me.credits} busy={sending.busy} fault={sending.fault} />
      )}
    </form>
  );
}
