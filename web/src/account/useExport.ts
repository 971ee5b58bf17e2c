/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is kept of who is signed in, part by part, saved as one file (MOD-04). It is put
   together in this browser; the files themselves stay behind their addresses. */
import { useState } from "react";
import { messageOf } from "../app/faults";
import { isOffline } from "../app/live";
import { client } from "../app/session";
import { reply } from "../app/voice";
import { api } from "../convex/_generated/api";
import { words } from "../words";

const PARTS = ["profile", "works", "files", "generations", "credits", "subscriptions", "invoices", "usage"] as const;
const ROWS = 200; /* the most the server answers at once */

type Part = (typeof PARTS)[number];

async function rowsOf(part: Part, onRows: (count: number) => void): Promise<unknown[]> {
  const rows: unknown[] = [];
  let cursor: string | null = null;
  for (;;) {
    const answer: { page: { body: unknown; url?: string }[]; isDone: boolean; continueCursor: string } =
      await client.query(api.account.exportData, { part, paginationOpts: { numItems: ROWS, cursor } });
    rows.push(...answer.page.map(({ body, url }) => (url === undefined ? body : { ...(body as object), url })));
    onRows(answer.page.length);
    if (answer.isDone) return rows;
    cursor = answer.continueCursor;
  }
}

function save(text: string) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  Object.assign(document.createElement("a"), { href: address, download: `atelier-${new Date().toISOString().slice(0, 10)}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/* rows: how many have come, while it goes on. */
export function useExport() {
  const [rows, setRows] = useState<number>();
  const [fault, setFault] = useState<string>();
  const start = async () => {
    if (isOffline()) return setFault(words.settings.dataOffline);
    let count = 0;
    setFault(undefined);
    setRows(0);
    try {
      const all: Partial<Record<Part, unknown[]>> = {};
      for (const part of PARTS) all[part] = await rowsOf(part, (more) => setRows((count += more)));
      save(JSON.stringify({ exportedAt: new Date().toISOString(), ...all }, null, 2));
      reply(words.settings.dataSaved(count));
    } catch (thrown) {
      setFault(messageOf(thrown) || words.settings.dataFailed);
    }
    setRows(undefined);
  };
  return { rows, fault, start };
}
