/* SPDX-License-Identifier: Apache-2.0 */
/* A plan that changed while the page was open was changed by somebody else: the payment service, an
   administrator, another tab. It is said and shown wherever one is. */
import { useEffect, useRef } from "react";
import type { User } from "../types";
import { words } from "../words";
import { toast } from "./toast";
import { say } from "./voice";

export function usePlanNews(me: User | null | undefined) {
  const known = useRef<string>(undefined);
  useEffect(() => {
    if (!me) return;
    if (known.current !== undefined && known.current !== me.planKey) {
      const text = words.toast.plan(me.planName);
      say(text, "plan");
      toast({ id: "plan", text, act: { name: words.toast.billing, href: "/billing" } });
    }
    known.current = me.planKey;
  }, [me]);
}
