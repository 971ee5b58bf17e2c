/* SPDX-License-Identifier: Apache-2.0 */
/* A table of rows that may open. On small screens a row is two columns: what it is and its figure,
   and under them one line more; the rest is in the detail. */
import type { KeyboardEvent, ReactNode } from "react";
import { Link } from "../app/router";

export interface Column<T> {
  name: string;
  cell: (row: T) => ReactNode;
  right?: boolean;
  /* Where it stands on small screens; the first column always stands first. */
  small?: "figure" | "under";
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  hrefOf?: (row: T) => string;
}

/* Arrows go from row to row where rows open. */
function step(event: KeyboardEvent<HTMLTableElement>) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("tbody th > a")];
  const at = links.indexOf(event.target as HTMLElement);
  if (by === undefined || at < 0) return;
  event.preventDefault();
  links[at + by]?.focus();
}

const classOf = <T,>({ right, small }: Column<T>) => [right && "r", small ? `small-${small}` : "large-only"].filter(Boolean).join(" ");

export function Table<T>({ caption, columns, rows, keyOf, hrefOf }: Props<T>) {
  const [first, ...rest] = columns;
  return (
    <table className="data" onKeyDown={step}>
      <caption className="sr">{caption}</caption>
      <thead>
        <tr>{columns.map((column) => <th key={column.name} scope="col" className={column.right ? "r" : undefined}>{column.name}</th>)}</tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            <th scope="row">{hrefOf ? <Link href={hrefOf(row)}>{first!.cell(row)}</Link> : first!.cell(row)}</th>
            {rest.map((column) => <td key={column.name} className={classOf(column)}>{column.cell(row)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
