/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked for in money, with the payment service's own page for each. */
import type { Invoice } from "./live";
import { fullDate, money } from "./money";
import { words } from "./words";

/* Only what can be gone to: the address is the payment service's, and it is its text. */
const isAddress = (url: string | undefined): url is string => url !== undefined && /^https?:\/\//.test(url);

function Line({ one }: { one: Invoice }) {
  const i = words.invoices;
  const name = one.number ?? i.unnamed;
  const paid = one.status === "paid";
  return (
    <tr>
      <td className="when">{fullDate(one.createdAt)}</td>
      <td>{name}</td>
      <td>
        {paid ? i.paid : <span className="alarm">{i.open}</span>}{" "}
        {isAddress(one.url) && (
          <a href={one.url} target="_blank" rel="noreferrer" aria-label={`${paid ? i.receiptOf(name) : i.pay}, ${i.newTab}`}>
            {paid ? i.receipt : i.pay}
          </a>
        )}
      </td>
      <td className="r">{money(one.amount, one.currency ?? "usd")}</td>
    </tr>
  );
}

export function Invoices({ list }: { list: Invoice[] }) {
  const i = words.invoices;
  return (
    <section className="whole" aria-labelledby="invoices">
      <div className="rowline sectionhead"><h2 id="invoices" tabIndex={-1}>{i.title}</h2></div>
      {list.length === 0 ? (
        <p className="quiet">{i.none}</p>
      ) : (
        <table className="ledger invoices">
          <caption className="sr">{i.title}</caption>
          <thead>
            <tr>
              <th scope="col">{i.date}</th><th scope="col">{i.number}</th><th scope="col">{i.state}</th><th scope="col" className="r">{i.sum}</th>
            </tr>
          </thead>
          <tbody>{list.map((one) => <Line key={one._id} one={one} />)}</tbody>
        </table>
      )}
    </section>
  );
}
