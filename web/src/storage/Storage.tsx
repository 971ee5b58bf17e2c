/* SPDX-License-Identifier: Apache-2.0 */
/* /storage: how much room there is, and what takes it. */
import { Largest } from "./Largest";
import { StorageMeter } from "./Meter";
import { words } from "./words";

export default function Storage() {
  return (
    <main id="main" className="page store" tabIndex={-1}>
      <h1>{words.title}</h1>
      <StorageMeter />
      <Largest />
    </main>
  );
}
