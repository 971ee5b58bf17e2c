/* SPDX-License-Identifier: Apache-2.0 */
/* Everybody, or those that a search finds. What is searched for stands in the address. */
import { useEffect, useState } from "react";
import { useNow } from "../app/live";
import { navigate, usePlace, withQuery } from "../app/router";
import { dayName, number } from "../format";
import { Button } from "../parts/Button";
import { peopleByPage, usePaginatedQuery, type Person } from "./live";
import { Table, type Column } from "./Table";
import { adminWords } from "./words";

const PAGE = 50;
const SEARCHED = 1000; /* at a time; a page of a search holds those found among so many */
const SEARCHES = 10;   /* pages in a row, before it is asked whether to go on */
const u = adminWords.users;

const columnsAt = (now: number): Column<Person>[] => [
  { name: u.email, cell: (person) => person.email || adminWords.unknown },
  { name: u.name, cell: (person) => person.name, small: "under" },
  { name: u.role, cell: (person) => (person.role === "admin" ? u.admin : "") },
  { name: u.plan, cell: (person) => person.planKey },
  { name: u.credits, cell: (person) => number(person.credits), right: true, small: "figure" },
  { name: u.since, cell: (person) => dayName(person.createdAt, now), right: true },
];

/* Goes on by itself until there is a page of people, or ten pages found too few. */
function usePeople(search: string) {
  const size = search ? SEARCHED : PAGE;
  const { results, status, loadMore } = usePaginatedQuery(peopleByPage, search ? { search } : {}, { initialNumItems: size });
  const [pages, setPages] = useState({ search, count: 1 });
  const count = pages.search === search ? pages.count : 1;
  const goesOn = search !== "" && status === "CanLoadMore" && results.length < PAGE && count % SEARCHES !== 0;
  const more = () => {
    setPages({ search, count: count + 1 });
    loadMore(size);
  };
  useEffect(() => {
    if (goesOn) more();
  }, [goesOn, count]);
  return { people: results, looking: status === "LoadingFirstPage" || status === "LoadingMore" || goesOn, more: status === "CanLoadMore" ? more : undefined };
}

export function Users() {
  const { query } = usePlace();
  const search = query.get("q") ?? "";
  const [typed, setTyped] = useState(search);
  const now = useNow(60_000);
  const { people, looking, more } = usePeople(search);
  useEffect(() => {
    const timer = setTimeout(() => typed.trim() !== search && navigate(withQuery("q", typed.trim() || undefined), { replace: true, stay: true }), 250);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <>
      <div className="field finder">
        <label htmlFor="find-people">{u.search}</label>
        <input id="find-people" className="input" type="search" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />
      </div>
      {people.length > 0 && <Table caption={u.caption} columns={columnsAt(now)} rows={people} keyOf={(person) => person.userId} hrefOf={(person) => `/admin/users/${person.userId}`} />}
      {people.length === 0 && !looking && <p className="quiet none">{search ? u.none(search) : adminWords.none}</p>}
      {more && !looking && <p className="none"><Button onClick={more}>{search ? u.further : adminWords.more}</Button></p>}
    </>
  );
}
