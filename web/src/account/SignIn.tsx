/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in, and signing up: one column, one form. */
import { useEffect, useRef, useState, type FormEvent } from "react";
import { Link, usePlace } from "../app/router";
import { sessionEnter, type Refusal } from "../app/session";
import { Button } from "../parts/Button";
import { words } from "../words";
import { Field } from "./Field";

type Faults = Partial<Record<"email" | "password" | "name" | "form", string>>;
const SHORTEST = 8;

/* Only what is certainly wrong; the server has the last word. */
function check(form: FormData, fresh: boolean): Faults {
  const faults: Faults = {};
  const email = String(form.get("email")).trim();
  const password = String(form.get("password"));
  if (email === "") faults.email = words.account.emailMissing;
  else if (!/^\S+@\S+$/.test(email)) faults.email = words.account.emailWrong;
  if (password === "") faults.password = words.account.passwordMissing;
  else if (fresh && password.length < SHORTEST) faults.password = words.account.passwordShort;
  return faults;
}

function faultsOf(refusal: Refusal): Faults {
  const field = refusal.field;
  if (field === "email" || field === "password" || field === "name") return { [field]: refusal.message };
  return { form: refusal.message };
}

function useEnter(fresh: boolean) {
  const [faults, setFaults] = useState<Faults>({});
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [faults]);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy) return;
    const data = new FormData(event.currentTarget);
    const wrong = check(data, fresh);
    setFaults(wrong);
    if (Object.keys(wrong).length > 0) return;
    const name = String(data.get("name") ?? "").trim();
    const body = { email: String(data.get("email")).trim(), password: data.get("password"), ...(name && { name }) };
    setBusy(true);
    try {
      const refusal = await sessionEnter(fresh ? "sign-up" : "sign-in", body);
      if (refusal) setFaults(faultsOf(refusal));
    } catch {
      setFaults({ form: words.account.noAnswer });
    }
    setBusy(false);
  };
  return { form, faults, busy, submit };
}

export function SignIn({ fresh }: { fresh: boolean }) {
  const { query } = usePlace();
  const { form, faults, busy, submit } = useEnter(fresh);
  const [email, setEmail] = useState(query.get("email") ?? "");
  const title = fresh ? words.pages.signUp : words.pages.signIn;
  useEffect(() => {
    document.title = words.title(title, 0);
  }, [title]);

  const carried = new URLSearchParams(query);
  if (email) carried.set("email", email);
  const other = `${fresh ? "/sign-in" : "/sign-up"}${carried.size > 0 ? `?${carried}` : ""}`;
  return (
    <div className="door">
      <header><a className="mark" href="/">{words.product} <span className="lamp off" /></a></header>
      <main id="main">
        <h1>{title}</h1>
        <form ref={form} className="door-form" onSubmit={(event) => void submit(event)} noValidate data-unsent>
          <Field
            name="email" label={words.account.email} type="email" autoComplete="username" fault={faults.email} value={email}
            onChange={(event) => setEmail(event.target.value)} autoFocus={!email}
          />
          <Field
            name="password" label={words.account.password} type="password" fault={faults.password}
            help={fresh ? words.account.passwordHelp : undefined} autoFocus={email !== ""}
            autoComplete={fresh ? "new-password" : "current-password"}
          />
          {fresh && (
            <Field name="name" label={words.account.name} autoComplete="name" fault={faults.name} help={words.account.nameHelp} />
          )}
          {faults.form && <p className="wrong" role="alert">{faults.form}</p>}
          <Button look="main tall" type="submit" busy={busy}>{fresh ? words.account.signUp : words.account.signIn}</Button>
          <p className="small">
            <span className="quiet">{fresh ? words.account.haveOne : words.account.newHere}</span>{" "}
            <Link href={other}>{fresh ? words.account.signInInstead : words.account.createOne}</Link>
          </p>
          {fresh && (
            <p className="small quiet">
              {words.account.accept} <a href="/terms">{words.account.terms}</a> {words.account.and}{" "}
              <a href="/privacy">{words.account.privacy}</a>.
            </p>
          )}
        </form>
      </main>
    </div>
  );
}
