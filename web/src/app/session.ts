/* SPDX-License-Identifier: Apache-2.0 */
/* Who is signed in. The session itself is an HttpOnly cookie which only the server reads; from it
   the page fetches short-lived tokens for the live connection. */
import { ConvexReactClient } from "convex/react";
import { keptForget } from "./kept";
import { storeOf } from "./store";

export type Session = "asking" | "unreachable" | "guest" | "in";

export interface Refusal {
  code: string;
  message: string;
  field?: string;
}

interface Granted {
  token: string;
  expiresAt: number;
}

export const session = storeOf<Session>("asking");
export const client = new ConvexReactClient(location.origin, { skipConvexDeploymentUrlCheck: true });

/* Signing out was asked for and did not reach the server. */
export const stillIn = storeOf(false);

/* The account is being deleted; with a url it is gone, and its certificate is there. */
export const leaving = storeOf<{ url?: string; until?: number } | undefined>(undefined);

let granted: Granted | null = null;

async function post(path: string, body: object): Promise<Response> {
  return fetch(`/api/auth/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    credentials: "same-origin",
  });
}

async function refusalOf(response: Response): Promise<Refusal> {
  try {
    const body = (await response.json()) as Partial<Refusal>;
    return { code: body.code ?? "SERVER", message: body.message ?? response.statusText, field: body.field };
  } catch {
    return { code: "SERVER", message: response.statusText };
  }
}

/* What public/early.js has asked already; good for once. */
const early = globalThis as { whoAsks?: Promise<Response> };

/* Asks for a token; null if nobody is signed in. Throws when the server does not answer. */
async function ask(): Promise<Granted | null> {
  const asked = early.whoAsks;
  delete early.whoAsks;
  const response = await (asked ?? post("token", {}));
  if (response.ok) return (await response.json()) as Granted;
  if (response.status === 401 || response.status === 403) return null;
  throw new Error(`token: ${response.status}`);
}

async function fetchToken(how: { forceRefreshToken: boolean }): Promise<string | null> {
  if (!how.forceRefreshToken && granted && granted.expiresAt - Date.now() > 30_000) return granted.token;
  granted = await patiently(ask);
  if (granted === null) become("guest");
  return granted?.token ?? null;
}

/* For requests beside the live connection, such as uploads. */
export const sessionToken = () => fetchToken({ forceRefreshToken: false });

/* The socket has its own patience; a token request must have the same, or one lost packet signs out. */
async function patiently<T>(request: () => Promise<T>): Promise<T> {
  for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
    try {
      return await request();
    } catch {
      if (wait > 1500 && session.get() === "asking") session.set("unreachable");
      await new Promise((done) => setTimeout(done, wait));
    }
  }
}

function become(state: "guest" | "in") {
  if (session.get() === state) return;
  session.set(state);
  if (state === "in") client.setAuth(fetchToken);
}

export async function sessionStart() {
  granted = await patiently(ask);
  become(granted ? "in" : "guest");
}

export async function sessionEnter(path: "sign-in" | "sign-up", form: object): Promise<Refusal | null> {
  const response = await post(path, form);
  if (!response.ok) return refusalOf(response);
  granted = (await response.json()) as Granted;
  become("in");
  return null;
}

/* A full load forgets everything this tab knew of the account. */
export async function sessionLeave() {
  const answer = await post("sign-out", {}).catch(() => undefined);
  stillIn.set(!answer?.ok);
  if (!answer?.ok) return;
  keptForget();
  location.assign("/");
}
