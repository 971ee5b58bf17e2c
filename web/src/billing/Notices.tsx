/* SPDX-License-Identifier: Apache-2.0 */
/* What a person must know before anything else on the page: what went wrong with money, and what
   has just happened at the payment service. */
import { usePlace, withQuery, Link } from "../app/router";
import { words as common } from "../words";
import { noticesOf } from "./facts";
import type { Books } from "./live";
import { words } from "./words";

/* Where the payment service sent the browser back to. Gone when it was closed, or at the next page. */
function Returned() {
  const { query } = usePlace();
  const how = query.get("checkout");
  if (how !== "done" && how !== "left") return null;
  return (
    <p className="told" role="status">
      {how === "done" ? words.notice.done : words.notice.left}{" "}
      <Link className="word" href={withQuery("checkout", undefined)} replace stay>{common.close}</Link>
    </p>
  );
}

export function Notices({ books }: { books: Books }) {
  return (
    <div className="tolds">
      <Returned />
      {noticesOf(books).map((one) => <p key={one.text} className={one.bad ? "told alarm" : "told"}>{one.text}</p>)}
    </div>
  );
}
