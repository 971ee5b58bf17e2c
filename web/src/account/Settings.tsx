/* SPDX-License-Identifier: Apache-2.0 */
/* The account as it is, how the page looks, and the way out. Each choice keeps itself. */
import * as Radio from "@radix-ui/react-radio-group";
import { lazy, Suspense, useState } from "react";
import { letterKeys, letterKeysChoose } from "../app/keys";
import { useMe } from "../app/live";
import { Link } from "../app/router";
import { sessionLeave } from "../app/session";
import { useStore } from "../app/store";
import { contrast, contrastChoose, theme, themeChoose, type Contrast, type Theme } from "../app/theme";
import { Button } from "../parts/Button";
import { words } from "../words";
import { useExport } from "./useExport";

const Leave = lazy(() => import("./Leave"));

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

function Data() {
  const { rows, fault, start } = useExport();
  const s = words.settings;
  return (
    <section aria-labelledby="data">
      <h2 id="data">{s.data}</h2>
      <div className="setting">
        <div>
          <p className="small quiet">{s.dataHelp}</p>
          {rows !== undefined && <p className="small quiet num" role="status">{s.dataGoing(rows)}</p>}
          {fault && <p className="wrong" role="alert">{fault}</p>}
        </div>
        <Button busy={rows !== undefined} onClick={() => void start()}>{s.dataAct}</Button>
      </div>
    </section>
  );
}

function End() {
  const [asking, setAsking] = useState(false);
  const s = words.settings;
  return (
    <section aria-labelledby="end">
      <h2 id="end">{s.end}</h2>
      <div className="setting">
        <p className="small quiet">{s.endHelp}</p>
        <Button id="leave" onClick={() => setAsking(true)}>{s.endAct}</Button>
      </div>
      <Suspense>{asking && <Leave onClose={() => setAsking(false)} />}</Suspense>
    </section>
  );
}

export default function Settings() {
  const me = useMe();
  const s = words.settings;
  if (!me) return <main id="main" className="page forms" tabIndex={-1} />;
  return (
    <main id="main" className="page forms" tabIndex={-1}>
      <h1>{words.pages.settings}</h1>
      <section aria-labelledby="account">
        <h2 id="account">{s.account}</h2>
        <dl className="meta">
          {me.name && <><dt>{s.name}</dt><dd>{me.name}</dd></>}
          <dt>{s.email}</dt><dd>{me.email}</dd>
          <dt>{s.plan}</dt><dd>{me.planName}</dd>
          <dt>{s.credits}</dt><dd>{s.creditsLeft(me.credits)} <Link href="/billing">{words.places.billing}</Link></dd>
          <dt>{words.meters.storage}</dt><dd>{s.storageTaken(me.storageUsedBytes, me.storageQuotaBytes)} <Link href="/storage">{s.storageAct}</Link></dd>
        </dl>
      </section>
      <Looks />
      <section aria-labelledby="session">
        <h2 id="session">{s.session}</h2>
        <div className="setting">
          <p className="small quiet">{s.signOutHelp}</p>
          <Button onClick={() => void sessionLeave()}>{words.account.signOut}</Button>
        </div>
      </section>
      <Data />
      <End />
    </main>
  );
}
