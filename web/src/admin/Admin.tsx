/* SPDX-License-Identifier: Apache-2.0 */
/* /admin: what those who run the studio see of it, live. For everybody else there is nothing at this
   address; the server refuses them anyway. */
import "../styles/admin.css";
import type { ReactNode } from "react";
import { useMe } from "../app/live";
import { Missing } from "../app/Missing";
import { Link, usePlace } from "../app/router";
import { Audit } from "./Audit";
import { Job } from "./Job";
import { Jobs } from "./Jobs";
import { Overview } from "./Overview";
import { Payments } from "./Payments";
import { Providers } from "./Providers";
import { Schedule } from "./Schedule";
import { Usage } from "./Usage";
import { User } from "./User";
import { Users } from "./Users";
import { adminWords } from "./words";

type Place = keyof typeof adminWords.places;
const places = Object.keys(adminWords.places) as Place[];
const hrefOf = (place: Place) => (place === "overview" ? "/admin" : `/admin/${place}`);

function pageOf(place: Place, id: string | undefined): ReactNode {
  switch (place) {
    case "overview": return <Overview />;
    case "users": return id ? <User key={id} id={id} /> : <Users />;
    case "jobs": return id ? <Job key={id} id={id} /> : <Jobs />;
    case "providers": return <Providers />;
    case "schedule": return <Schedule />;
    case "payments": return <Payments />;
    case "usage": return <Usage />;
    case "audit": return <Audit />;
  }
}

function Ways({ at }: { at: Place }) {
  return (
    <nav className="wordlist ways" aria-label={adminWords.title}>
      {places.map((place) => (
        <Link key={place} className="word" href={hrefOf(place)} aria-current={place === at ? "page" : undefined}>{adminWords.places[place]}</Link>
      ))}
    </nav>
  );
}

export default function Admin() {
  const me = useMe();
  const { path } = usePlace();
  const [, , wanted = "overview", id] = path.split("/");
  const place = places.find((one) => one === wanted);
  if (me === undefined) return <main id="main" className="page" tabIndex={-1} />;
  if (me?.role !== "admin" || place === undefined) return <Missing />;
  return (
    <main id="main" className="page admin" tabIndex={-1}>
      <div className="pagehead">
        <h1>{adminWords.places[place]}</h1>
        <Ways at={place} />
      </div>
      {pageOf(place, id)}
    </main>
  );
}
