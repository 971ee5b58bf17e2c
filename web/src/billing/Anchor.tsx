/* SPDX-License-Identifier: Apache-2.0 */
/* Links to a part of this page. The address follows, the history does not grow, and the part that is
   gone to takes the focus. */
import { useEffect, type AnchorHTMLAttributes, type MouseEvent } from "react";
import { navigate, usePlace } from "../app/router";

function goTo(id: string) {
  const part = document.getElementById(id);
  part?.scrollIntoView();
  part?.focus({ preventScroll: true });
}

interface Props extends AnchorHTMLAttributes<HTMLAnchorElement> {
  part: string;
}

export function Anchor({ part, ...rest }: Props) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(`${location.pathname}${location.search}#${part}`, { replace: true, stay: true });
    goTo(part);
  };
  return <a {...rest} href={`#${part}`} onClick={follow} />;
}

/* The address may name a part of the page, which is there only now. */
export function useAnchor() {
  usePlace();
  const { hash } = location;
  useEffect(() => {
    if (hash.length > 1) goTo(hash.slice(1));
  }, [hash]);
}
