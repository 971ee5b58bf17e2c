/* SPDX-License-Identifier: Apache-2.0 */
/* The width of an element and the part of the page in view: all the grid needs to know of the document. */
import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from "react";

export interface View {
  width: number;
  top: number;
  bottom: number;
}

const AROUND = 1.5;
const STEP = 200;

/* top and bottom are relative to the element, in coarse steps; if wide, with one and a half screens more
   on both sides. look: at once, for whoever has scrolled in a layout effect. */
export function useWindow(element: RefObject<HTMLElement | null>, dependsOn: unknown, wide: boolean): { view: View; look: () => void } {
  const [view, setView] = useState<View>({ width: 0, top: 0, bottom: 0 });
  const latest = useRef(() => {});
  useLayoutEffect(() => {
    const node = element.current;
    if (!node) return;
    let frame = 0;
    const measure = () => {
      frame = 0;
      const box = node.getBoundingClientRect();
      const reach = wide ? innerHeight * AROUND : 0;
      const top = Math.floor((-box.top - reach) / STEP) * STEP;
      const bottom = Math.ceil((innerHeight - box.top + reach) / STEP) * STEP;
      const width = Math.floor(box.width);
      setView((now) => (now.width === width && now.top === top && now.bottom === bottom ? now : { width, top, bottom }));
    };
    const later = () => (frame ||= requestAnimationFrame(measure));
    latest.current = measure;
    const observer = new ResizeObserver(later);
    measure();
    observer.observe(node);
    addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later);
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
      removeEventListener("scroll", later);
      removeEventListener("resize", later);
    };
  }, [element, dependsOn, wide]);
  const look = useCallback(() => latest.current(), []);
  return { view, look };
}
