/* SPDX-License-Identifier: Apache-2.0 */
/* Credits by the packet. */
import { useAction } from "convex/react";
import { api } from "../convex/_generated/api";
import { Button } from "../parts/Button";
import { credits } from "../words";
import { isRunning } from "./facts";
import type { Books } from "./live";
import { money, unitPrice } from "./money";
import type { Pay } from "./usePay";
import { words } from "./words";

export function Packages({ books, pay }: { books: Books; pay: Pay }) {
  const buy = useAction(api.stripe.createCreditCheckoutSession);
  const p = words.packages;
  const needsPlan = books.wallet.packagesNeedPlan && !isRunning(books.subscription);
  return (
    <section className="whole" aria-labelledby="packages">
      <div className="rowline sectionhead"><h2 id="packages" tabIndex={-1}>{p.title}</h2></div>
      <ul className="packages">
        {books.packages.map((one) => (
          <li key={one.packageId}>
            <span><b>{credits(one.credits)}</b> <span className="quiet">{one.name}</span></span>
            <span className="quiet num">{p.each(unitPrice(one.price, one.credits, one.currency))}</span>
            {!needsPlan && (
              <Button busy={pay.busy === one.packageId} onClick={() => void pay.run(one.packageId, () => buy({ packageId: one.packageId }))}>
                {p.buy(money(one.price, one.currency, true))}<span className="sr">: {credits(one.credits)}</span>
              </Button>
            )}
            {pay.fault?.at === one.packageId && <p className="wrong" role="alert">{pay.fault.text}</p>}
          </li>
        ))}
      </ul>
      <p className="quiet small">{needsPlan ? p.needPlan : p.stay}</p>
    </section>
  );
}
