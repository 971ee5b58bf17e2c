/* SPDX-License-Identifier: Apache-2.0 */
/* Everybody's jobs by how they stand, or those of one person. The filter stands in the address. */
import * as Radio from "@radix-ui/react-radio-group";
import { Link, navigate, usePlace, withQuery } from "../app/router";
import { api } from "../convex/_generated/api";
import { Button } from "../parts/Button";
import { JobTable } from "./JobTable";
import { jobsByPage, useOne, usePaginatedQuery, type Status, type UserId } from "./live";
import { adminWords } from "./words";

const PAGE = 50;
const j = adminWords.jobs;
type Show = keyof typeof j.empty;

/* Without a person, what is shown first is what is under way; with one, all that they asked for. */
const showsOf = (user: string | undefined): Show[] => [user ? "all" : "open", "completed", "failed", "canceled"];

function Of({ user }: { user: string }) {
  const person = useOne(api.admin.getUser, { userId: user as UserId });
  return (
    <p className="of">
      {person && <Link href={`/admin/users/${user}`}>{j.of(person.email)}</Link>}
      <Link className="word" href={withQuery("user", undefined)}>{j.ofAll}</Link>
    </p>
  );
}

export function Jobs() {
  const { query } = usePlace();
  const user = query.get("user") ?? undefined;
  const shows = showsOf(user);
  const show = shows.find((one) => one === query.get("status")) ?? shows[0]!;
  const of = user ? { userId: user as UserId } : {};
  const args = show === "open" || show === "all" ? of : { ...of, status: show as Status };
  const { results, status, loadMore } = usePaginatedQuery(jobsByPage, args, { initialNumItems: PAGE });
  const choose = (value: string) => navigate(withQuery("status", value === shows[0] ? undefined : value), { replace: true, stay: true });
  return (
    <>
      <div className="filters">
        <Radio.Root className="wordlist" aria-label={j.show} orientation="horizontal" value={show} onValueChange={choose}>
          {shows.map((one) => <Radio.Item key={one} className="word" value={one}>{j[one]}</Radio.Item>)}
        </Radio.Root>
        {user && <Of user={user} />}
      </div>
      {results.length > 0 && <JobTable jobs={results} caption={j.caption} />}
      {results.length === 0 && status === "Exhausted" && <p className="quiet none">{j.empty[show]}</p>}
      {status === "CanLoadMore" && <p className="none"><Button onClick={() => loadMore(PAGE)}>{adminWords.more}</Button></p>}
    </>
  );
}
