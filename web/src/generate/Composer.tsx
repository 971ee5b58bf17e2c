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
import { resetDraft, type Change, type Draft, type Kind } from "./draft";
import { ModelList } from "./ModelList";
import { Params } from "./Params";
import { PayBar } from "./PayBar";
import { enoughFor, modelsFor, planOf, priceQuestion, quoted, type Plan } from "./plan";
import { PromptField } from "./PromptField";
import { StartPicture } from "./StartPicture";
import { useSend } from "./useSend";

interface Props {
  me: User;
  models: Model[];
  draft: Draft;
  change: Change;
  onSent: () => void;
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

/* Where a price depends on what is chosen, the server has the last word on it. */
function useQuoted(plan: Plan | undefined): Plan | undefined {
  const can = plan?.model.capabilities;
  const varies = can && (can.resolutions.length > 0 || can.qualities.length > 0 || can.priceByPixels || plan.film);
  const each = useQuery(api.pricing.getCreditCost, plan && varies ? priceQuestion(plan) : "skip");
  return plan && each !== undefined ? quoted(plan, each) : plan;
}

export function Composer({ me, models, draft, change, onSent }: Props) {
  const [folded, setFolded] = useState(false);
  const sending = useSend(me._id);
  const plan = useQuoted(planOf(draft, models, me.planKey));

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
    const four = planOf({ ...draft, count: 4 }, models, me.planKey);
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
          draft={draft} change={edit} userId={me._id} canLeaveOut={plan !== undefined && !plan.film && plan.model.capabilities.negativePrompt}
          limit={plan?.promptLimit ?? 2000}
          fault={sending.fault?.at === "prompt" ? sending.fault.text : undefined}
        />
        {plan && (
          <StartPicture plan={plan} draft={draft} change={edit} fault={sending.fault?.at === "start" ? sending.fault.text : undefined} />
        )}
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
              <Params plan={plan} draft={draft} change={edit} planKey={me.planKey} />
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
