/* SPDX-License-Identifier: Apache-2.0 */
/* Instead of every page once an account is deleted: nothing here asks the server for it any more. */
import { dayName } from "../format";
import { words } from "../words";

export function Left({ url, until }: { url?: string; until?: number }) {
  const s = words.left;
  return (
    <main id="main" className="page" tabIndex={-1} aria-live="polite">
      <div className="empty">
        <h1>{url ? s.gone : s.going}</h1>
        {url && <p>{s.certificate(dayName(until ?? 0, Date.now()))}</p>}
        {url && <span className="wordlist"><a className="button" href={url} download>{s.download}</a><a className="word" href="/">{words.product}</a></span>}
      </div>
    </main>
  );
}
