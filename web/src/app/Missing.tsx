/* SPDX-License-Identifier: Apache-2.0 */
/* An address with nothing behind it, for whoever asks. */
import { words } from "../words";
import { Link } from "./router";

export function Missing() {
  return (
    <main id="main" className="page" tabIndex={-1}>
      <div className="empty">
        <h1>{words.missingPage}</h1>
        <Link className="button" href="/generate">{words.places.generate}</Link>
      </div>
    </main>
  );
}
