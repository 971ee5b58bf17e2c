/* SPDX-License-Identifier: Apache-2.0 */
/* One person: how they stand, an adjustment of their credits, and their history. */
import { useNow } from "../app/live";
import { Link } from "../app/router";
import { api } from "../convex/_generated/api";
import { dayName, moment, number, size } from "../format";
import { Button } from "../parts/Button";
import { Adjust } from "./Adjust";
import { historyByPage, useOne, usePaginatedQuery, type Entry, type UserId } from "./live";
import { signed } from "./money";
import { Table, type Column } from "./Table";
import { adminWords } from "./words";

const PAGE = 25;
const u = adminWords.user;

export type Whole = NonNullable<ReturnType<typeof useUser>>;
const useUser = (id: string) => useOne(api.admin.getUser, { userId: id as UserId });

const columnsAt = (now: number): Column<Entry>[] => [
  { name: u.what, cell: (entry) => entry.description },
  { name: u.when, cell: (entry) => moment(entry.createdAt, now), small: "under" },
  { name: u.amount, cell: (entry) => signed(entry.amount), right: true, small: "figure" },
  { name: u.after, cell: (entry) => number(entry.balanceAfter), right: true },
];

function History({ id }: { id: UserId }) {
  const { results, status, loadMore } = usePaginatedQuery(historyByPage, { userId: id }, { initialNumItems: PAGE });
  const now = useNow(60_000);
  return (
    <section aria-labelledby="history">
      <h2 id="history">{u.history}</h2>
      {results.length > 0 && <Table caption={u.history} columns={columnsAt(now)} rows={results} keyOf={(entry) => entry._id} />}
      {status === "Exhausted" && results.length === 0 && <p className="quiet">{u.historyEmpty}</p>}
      {status === "CanLoadMore" && <div><Button onClick={() => loadMore(PAGE)}>{adminWords.more}</Button></div>}
    </section>
  );
}

function Standing({ user }: { user: Whole }) {
  const now = useNow(60_000);
  return (
    <dl className="meta standing">
      <dt>{u.plan}</dt><dd>{user.planName}</dd>
      {user.subscriptionStatus && <><dt>{u.payment}</dt><dd>{user.subscriptionStatus}{user.currentPeriodEnd && `, ${dayName(user.currentPeriodEnd, now)}`}</dd></>}
      {user.customerId && <><dt>{u.customer}</dt><dd className="code">{user.customerId}</dd></>}
      <dt>{u.used}</dt><dd>{number(user.totalCreditsUsed)}</dd>
      <dt>{u.storage}</dt><dd>{size(user.storageUsedBytes)} / {size(user.storageQuotaBytes)}</dd>
      <dt>{u.works}</dt><dd>{u.worksText(user.imageCount, user.videoCount)}</dd>
      <dt>{u.role}</dt><dd>{u.roles[user.role]}</dd>
      <dt>{u.since}</dt><dd>{dayName(user.createdAt, now)}</dd>
      <dt>{u.id}</dt><dd className="code">{user.userId}</dd>
    </dl>
  );
}

export function User({ id }: { id: string }) {
  const user = useUser(id);
  if (user === undefined) return null;
  if (user === null) {
    return (
      <div className="empty">
        <p className="words">{u.missing}</p>
        <Link className="button" href="/admin/users">{adminWords.back(adminWords.places.users)}</Link>
      </div>
    );
  }
  return (
    <div className="one">
      <section className="who-head" aria-label={user.email}>
        <h2>{user.name || user.email}</h2>
        {user.name && <p className="quiet">{user.email}</p>}
        <p className="figure num">
          {number(user.credits)} <span className="figure-of">{u.balance.toLowerCase()}</span>
          {user.creditsHeld > 0 && <span className="lit figure-of">{u.held(user.creditsHeld)}</span>}
          {user.debt > 0 && <span className="alarm figure-of">{u.owes(user.debt)}</span>}
        </p>
        <Standing user={user} />
        <p><Link className="word" href={`/admin/jobs?user=${user.userId}`}>{u.jobs}</Link></p>
      </section>
      <Adjust user={user} />
      <History id={user.userId} />
    </div>
  );
}
