/* SPDX-License-Identifier: Apache-2.0 */
/* The months on the right edge, while one scrolls: pressed or dragged along, it goes there. With keys
   Home and End of the grid go to the ends, and Tab after it comes here. */
import { useEffect, useMemo, useRef, type PointerEvent, type RefObject } from "react";
import { monthName } from "../format";
import type { Spot } from "../types";
import type { Layout } from "./justify";
import { words } from "./words";

const SLEEPS = 1500;
const MARKS_MAX = 14;
const WORTH = 4; /* screens of works */

interface Mark {
  name: string;
  /* Of the grid's height. */
  part: number;
}

function marksOf(all: Layout, spots: readonly Spot[]): Mark[] {
  const marks: Mark[] = [];
  let before = "";
  for (const section of all.sections) {
    const name = monthName(spots[section.first]!.at);
    const part = section.top / all.height;
    const last = marks.at(-1);
    if (name !== before && (!last || part - last.part >= 1 / MARKS_MAX)) marks.push({ name, part });
    before = name;
  }
  return marks;
}

/* Awake while the page is scrolled, and a moment after. Not React's business: it happens each frame. */
function useAwake(element: RefObject<HTMLElement | null>) {
  useEffect(() => {
    let timer = 0;
    const wake = () => {
      element.current?.classList.add("awake");
      clearTimeout(timer);
      timer = window.setTimeout(() => element.current?.classList.remove("awake"), SLEEPS);
    };
    addEventListener("scroll", wake, { passive: true });
    return () => {
      clearTimeout(timer);
      removeEventListener("scroll", wake);
    };
  }, [element]);
}

interface Props {
  all: Layout;
  spots: readonly Spot[];
  grid: RefObject<HTMLElement | null>;
}

export function Scrubber({ all, spots, grid }: Props) {
  const element = useRef<HTMLElement>(null);
  const marks = useMemo(() => marksOf(all, spots), [all, spots]);
  useAwake(element);
  const go = (part: number) => {
    const top = (grid.current?.getBoundingClientRect().top ?? 0) + scrollY;
    scrollTo({ top: Math.max(0, top + part * all.height - 8), behavior: "instant" });
  };
  const drag = (event: PointerEvent<HTMLElement>) => {
    if (event.buttons !== 1) return;
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
    const box = event.currentTarget.getBoundingClientRect();
    go(Math.min(1, Math.max(0, (event.clientY - box.top) / box.height)));
  };
  if (marks.length < 2 || all.height < WORTH * innerHeight) return null;
  return (
    <div className="scrubber">
      <nav ref={element} aria-label={words.months} onPointerDown={drag} onPointerMove={drag}>
        {marks.map((mark) => (
          <button key={`${mark.name}${mark.part}`} type="button" className="num" style={{ top: `${mark.part * 100}%` }} onClick={(event) => event.detail === 0 && go(mark.part)}>
            {mark.name}
          </button>
        ))}
      </nav>
    </div>
  );
}
