/* SPDX-License-Identifier: Apache-2.0 */
/* What a job cost and why: the same lines wherever they are shown. */
import { exactTime, number } from "../format";
import { costOf, isAlive, quotedFor, type Job } from "../types";
import { credits, words } from "../words";

export function ReceiptRows({ job }: { job: Job }) {
  const r = words.receipt;
  const all = job.kind === "video" ? 1 : job.numImages;
  const missing = all - job.imageIds.length;
  return (
    <dl className="receipt">
      <div><dt>{r.quoted}</dt><dd>{number(quotedFor(job))}</dd></div>
      <div><dt>{isAlive(job) ? r.held : r.charged(exactTime(job.createdAt))}</dt><dd>{number(quotedFor(job))}</dd></div>
      {job.creditsRefunded > 0 && (
        <div><dt>{all > 1 && missing > 0 ? r.returnedFor(missing, all) : r.returned}</dt><dd>+{number(job.creditsRefunded)}</dd></div>
      )}
      {!isAlive(job) && <div className="total"><dt>{r.cost}</dt><dd>{credits(costOf(job))}</dd></div>}
    </dl>
  );
}
