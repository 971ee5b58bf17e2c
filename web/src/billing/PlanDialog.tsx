/* SPDX-License-Identifier: Apache-2.0 */
/* Asks before a plan changes or ends: what is charged, what stays, and when. The safe answer has the focus. */
import * as Alert from "@radix-ui/react-alert-dialog";
import { useAction } from "convex/react";
import { useEffect, useState } from "react";
import { useReturnFocus } from "../app/returnFocus";
import { api } from "../convex/_generated/api";
import { Button } from "../parts/Button";
import type { Plan, Subscription } from "./live";
import { dateOf, money } from "./money";
import { givesOf, sumOf } from "./facts";
import type { Pay } from "./usePay";
import { words } from "./words";

export interface Asked {
  kind: "change" | "cancel";
  plan: Plan;
}

interface Props {
  asked: Asked;
  subscription: Subscription;
  free?: Plan;
  pay: Pay;
  onClose: () => void;
}

function textsOf({ asked, subscription, free }: Props) {
  const a = words.ask;
  const { name } = asked.plan;
  const day = subscription.currentPeriodEnd === undefined ? a.endOfPeriod : dateOf(subscription.currentPeriodEnd);
  if (asked.kind === "change")
    return { title: a.changeTitle(name), text: a.changeText(name, sumOf(asked.plan, false), givesOf(asked.plan)), act: a.change(name), safe: a.stay };
  return { title: a.cancelTitle(name), text: a.cancelText(name, day, free?.name ?? words.plan.free), act: a.cancel(day), safe: a.keep(name) };
}

/* The exact sum, where the payment service can tell it before. */
function NextInvoice({ plan }: { plan: Plan }) {
  const preview = useAction(api.subscriptions.previewChange);
  const [text, setText] = useState(words.ask.nextAsked);
  useEffect(() => {
    let here = true;
    const tell = (told: string) => here && setText(told);
    preview({ planId: plan.key }).then(
      ({ amount, currency, at }) => tell(words.ask.next(money(amount, currency), at === undefined ? undefined : dateOf(at))),
      () => tell(words.ask.nextUnknown),
    );
    return () => void (here = false);
  }, [preview, plan.key]);
  return <p className="num" role="status"><b>{text}</b></p>;
}

export default function PlanDialog(props: Props) {
  const { asked, subscription, pay, onClose } = props;
  const change = useAction(api.subscriptions.changePlan);
  const cancel = useAction(api.stripe.cancelSubscriptionAtPeriodEnd);
  const returnFocus = useReturnFocus();
  const texts = textsOf(props);
  const at = `ask ${asked.plan.key}`;
  const act = async () => {
    const ask = asked.kind === "change"
      ? () => change({ planId: asked.plan.key })
      : () => cancel({ stripeSubscriptionId: subscription.stripeSubscriptionId });
    if (await pay.run(at, ask, asked.kind === "change" ? words.said.asked : words.said.cancelled)) onClose();
  };
  return (
    <Alert.Root open onOpenChange={(open) => !open && pay.busy === undefined && onClose()}>
      <Alert.Portal>
        <Alert.Overlay className="scrim" />
        <Alert.Content className="dialog" onCloseAutoFocus={returnFocus}>
          <Alert.Title>{texts.title}</Alert.Title>
          <Alert.Description>{texts.text}</Alert.Description>
          {asked.kind === "change" && subscription.processor === "stripe" && <NextInvoice plan={asked.plan} />}
          {pay.fault?.at === at && <p className="wrong" role="alert">{pay.fault.text}</p>}
          <div className="dialog-acts">
            <Alert.Cancel asChild><Button>{texts.safe}</Button></Alert.Cancel>
            <Button look={asked.kind === "change" ? "main" : undefined} busy={pay.busy === at} onClick={() => void act()}>{texts.act}</Button>
          </div>
        </Alert.Content>
      </Alert.Portal>
    </Alert.Root>
  );
}
