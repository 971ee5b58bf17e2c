/* SPDX-License-Identifier: Apache-2.0 */
/* The account as it is, how the page looks, the ledger, and the way out. Each choice keeps itself. */
import * as Radio from "@radix-ui/react-radio-group";
import { useQuery } from "convex/react";
import { useEffect } from "react";
import { letterKeys, letterKeysChoose } from "../app/keys";
import { useMe, useNow } from "../app/live";
import { sessionLeave } from "../app/session";
import { useStore } from "../app/store";
import { contrast, contrastChoose, theme, themeChoose, type Contrast, type Theme } from "../app/theme";
import { api } from "../convex/_generated/api";
import { moment, number } from "../format";
import { Button } from "../parts/Button";
import { words } from "../words";

/* The answer is an array without paginationOpts, and pages with them. */
interface LedgerRow {
  _id: string;
  amount: number;
  balanceAfter: number;
  description: string;
  createdAt: number;
}

interface ChoiceProps {
  label: string;
  value: string;
  options: [string, string][];
  help?: string;
  onChange: (value: string) => void;
}

function Choice({ label, value, options, help, onChange }: ChoiceProps) {
  return (
    <div className="setting">
      <div><span className="legend">{label}</span>{help && <p className="small quiet">{help}</p>}</div>
      <Radio.Root className="wordlist" aria-label={label} value={value} onValueChange={onChange} orientation="horizontal">
        {options.map(([option, name]) => (
          <Radio.Item key={option} value={option} className="word">{name}</Radio.Item>
        ))}
      </Radio.Root>
    </div>
  );
}

function Looks() {
  const s = words.settings;
  return (
    <section aria-labelledby="looks">
      <h2 id="looks">{s.look}</h2>
      <Choice
        label={s.theme} value={useStore(theme)} onChange={(value) => themeChoose(value as Theme)}
        options={[["system", s.system], ["dark", s.dark], ["light", s.light]]}
      />
      <Choice
        label={s.contrast} value={useStore(contrast)} onChange={(value) => contrastChoose(value as Contrast)}
        options={[["system", s.system], ["more", s.more]]}
      />
      <Choice
        label={s.keys} help={s.keysHelp} value={useStore(letterKeys) ? "on" : "off"}
        onChange={(value) => letterKeysChoose(value === "on")} options={[["on", s.on], ["off", s.off]]}
      />
    </section>
  );
}

const signed = (amount: number) => (amount > 0 ? `+${number(amount)}` : number(amount).replace("-", "−"));

function Ledger({ rows }: { rows: LedgerRow[] }) {
  const now = useNow(60_000);
  const s = words.settings;
  useEffect(() => {
    if (location.hash === "#credits") document.getElementById("credits")?.scrollIntoView();
  }, []);
  return (
    <section aria-labelledby="credits">
      <h2 id="credits">{s.credits}</h2>
      {rows.length === 0 && <p className="quiet">{s.ledgerEmpty}</p>}
      {rows.length > 0 && (
        <table className="ledger">
          <caption className="sr">{s.ledger}</caption>
          <thead>
            <tr>
              <th scope="col">{s.when}</th><th scope="col">{s.what}</th>
              <th scope="col" className="r">{s.amount}</th><th scope="col" className="r balance">{s.balance}</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, 50).map((row) => (
              <tr key={row._id}>
                <td className="when">{moment(row.createdAt, now)}</td><td>{row.description}</td>
                <td className="r">{signed(row.amount)}</td><td className="r balance">{number(row.balanceAfter)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

export default function Settings() {
  const me = useMe();
  const rows = useQuery(api.credits.getCreditHistory, {}) as LedgerRow[] | undefined;
  const s = words.settings;
  /* Shown at once and whole, so that nothing moves when the ledger arrives. */
  if (!me || !rows) return <main id="main" className="page forms" tabIndex={-1} />;
  return (
    <main id="main" className="page forms" tabIndex={-1}>
      <h1>{words.pages.settings}</h1>
      <section aria-labelledby="account">
        <h2 id="account">{s.account}</h2>
        <dl className="meta">
          <dt>{s.name}</dt><dd>{me.name}</dd>
          <dt>{s.email}</dt><dd>{me.email}</dd>
          <dt>{s.plan}</dt><dd>{s.planName(me.plan)}</dd>
        </dl>
      </section>
      <Looks />
      <Ledger rows={rows} />
      <section aria-labelledby="session">
        <h2 id="session">{s.session}</h2>
        <div className="setting">
          <p className="small quiet">{s.signOutHelp}</p>
          <Button onClick={() => void sessionLeave()}>{words.account.signOut}</Button>
        </div>
      </section>
    </main>
  );
}
