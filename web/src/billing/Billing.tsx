/* SPDX-License-Identifier: Apache-2.0 */
/* /billing: what there is to spend, the plan, where credits went, and what can be bought. */
import { useMe } from "../app/live";
import { Anchor, useAnchor } from "./Anchor";
import { Balance } from "./Balance";
import { Counts, hasCounts } from "./Counts";
import { Invoices } from "./Invoices";
import { Ledger } from "./Ledger";
import { useBooks, type Books } from "./live";
import { Notices } from "./Notices";
import { Packages } from "./Packages";
import { PlanNow } from "./PlanNow";
import { Plans } from "./Plans";
import { Spent, Storage } from "./Spent";
import { usePay } from "./usePay";
import { words } from "./words";

function Page({ books }: { books: Books }) {
  const pay = usePay();
  const me = useMe();
  const s = words.sections;
  const canBuy = books.wallet.canPay && books.packages.length > 0;
  const counted = hasCounts(books.quota) ? books.quota : undefined;
  /* Where works are counted, credits may play no part at all. */
  const { available, held, debt } = books.wallet;
  const noCredits = counted !== undefined && available === 0 && held === 0 && debt === 0 && books.packages.length === 0;
  useAnchor();
  return (
    <main id="main" className="page billing" tabIndex={-1}>
      <div className="pagehead">
        <h1>{words.page}</h1>
        <span className="quiet">{me?.name || me?.email}</span>
        <nav className="push wordlist" aria-label={s.on}>
          <Anchor className="word" part="plans">{s.plans}</Anchor>
          {canBuy && <Anchor className="word" part="packages">{s.packages}</Anchor>}
          <Anchor className="word" part="ledger">{s.ledger}</Anchor>
          <Anchor className="word" part="invoices">{s.invoices}</Anchor>
        </nav>
      </div>
      <Notices books={books} />
      <div className="books">
        {counted && <Counts quota={counted} look={noCredits ? "wide" : "whole"} />}
        {!noCredits && <Balance wallet={books.wallet} canBuy={canBuy} />}
        <PlanNow books={books} pay={pay} />
        {!noCredits && <Spent days={books.days} />}
        <Storage />
        <Plans books={books} pay={pay} />
        {canBuy && <Packages books={books} pay={pay} />}
        <Ledger />
        <Invoices list={books.invoices} />
      </div>
    </main>
  );
}

export default function Billing() {
  const books = useBooks();
  return books ? <Page books={books} /> : <main id="main" className="page billing" tabIndex={-1} />;
}
