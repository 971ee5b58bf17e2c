/* SPDX-License-Identifier: Apache-2.0 */
/* A picture that can be looked at closely: wheel or pinch to the pointer, drag, double click. Its keys
   are those of the large view, which holds the zoom, so that several can share one. */
import { useEffect, useLayoutEffect, useRef, useState, type PointerEvent } from "react";
import type { Asset } from "../types";
import { nameOf } from "./Tile";
import { actualScale, bounded, zoomedAt, type Box, type Zoom } from "./zoom";

const NONE: Box = { width: 1, height: 1 };

interface Props {
  asset: Asset;
  zoom: Zoom;
  onZoom: (change: (zoom: Zoom) => Zoom) => void;
  /* What 1:1 is for this picture as it fits. */
  onActual: (scale: number) => void;
  /* Free around it, in pixels. */
  margin: number;
}

function fitInto(room: Box, natural: Box, margin: number): Box {
  const scale = Math.min(1, (room.width - 2 * margin) / natural.width, (room.height - 2 * margin) / natural.height);
  return { width: natural.width * scale, height: natural.height * scale };
}

function useRoom() {
  const element = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(NONE);
  useLayoutEffect(() => {
    const node = element.current!;
    const measure = () => setRoom({ width: node.clientWidth, height: node.clientHeight });
    const observer = new ResizeObserver(measure);
    measure();
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return { element, room };
}

/* Two fingers pinch, one drags; a mouse drags. */
function useFingers(zoomAt: (factor: number, at: { x: number; y: number }) => void, move: (x: number, y: number) => void) {
  const fingers = useRef(new Map<number, { x: number; y: number }>());
  const spread = () => {
    const [one, other] = [...fingers.current.values()];
    return one && other ? Math.hypot(one.x - other.x, one.y - other.y) : 0;
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };
  const moved = (event: PointerEvent) => {
    const before = fingers.current.get(event.pointerId);
    if (!before) return;
    const wide = spread();
    fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.current.size === 1) move(event.clientX - before.x, event.clientY - before.y);
    else if (wide > 0) zoomAt(spread() / wide, { x: event.clientX, y: event.clientY });
  };
  const up = (event: PointerEvent) => fingers.current.delete(event.pointerId);
  return { onPointerDown: down, onPointerMove: moved, onPointerUp: up, onPointerCancel: up };
}

export function Zoomable({ asset, zoom, onZoom, onActual, margin }: Props) {
  const { element, room } = useRoom();
  const natural = { width: asset.width || 1, height: asset.height || 1 };
  const fitted = fitInto(room, natural, margin);
  const actual = actualScale(fitted, natural);
  const here = bounded(zoom, fitted, room, natural);
  useEffect(() => onActual(actual), [actual, onActual]);
  /* Through what is transparent the wall shows, and no blur. */
  const [loaded, setLoaded] = useState<string>();

  const latest = useRef({ fitted, room, natural, onZoom });
  latest.current = { fitted, room, natural, onZoom };
  const [acts] = useState(() => {
    const change = (next: (zoom: Zoom) => Zoom) =>
      latest.current.onZoom((now) => {
        const { fitted: box, room: around, natural: full } = latest.current;
        return bounded(next(bounded(now, box, around, full)), box, around, full);
      });
    const middle = (at: { x: number; y: number }) => {
      const box = element.current!.getBoundingClientRect();
      return { x: at.x - box.left - box.width / 2, y: at.y - box.top - box.height / 2 };
    };
    return {
      zoomAt: (factor: number, at: { x: number; y: number }) => change((now) => zoomedAt(now, factor, middle(at))),
      move: (x: number, y: number) => change((now) => ({ ...now, x: now.x + x, y: now.y + y })),
    };
  });
  useEffect(() => {
    const node = element.current!;
    /* Not React's: its wheel listener may not keep the page from scrolling. */
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      acts.zoomAt(Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 400)), { x: event.clientX, y: event.clientY });
    };
    node.addEventListener("wheel", wheel, { passive: false });
    return () => node.removeEventListener("wheel", wheel);
  }, [acts, element]);
  const fingers = useFingers(acts.zoomAt, acts.move);

  return (
    <div
      ref={element} className={here.scale > 1 ? "look-room close" : "look-room"} {...fingers}
      onDoubleClick={(event) => acts.zoomAt(here.scale > 1 ? 1 / here.scale : Math.max(2, actual), { x: event.clientX, y: event.clientY })}
    >
      <img
        key={asset._id} src={asset.url} width={natural.width} height={natural.height} alt={nameOf(asset)} draggable={false} onLoad={() => setLoaded(asset._id)}
        style={{
          width: fitted.width, height: fitted.height, transform: `translate(${here.x}px, ${here.y}px) scale(${here.scale})`,
          backgroundImage: asset.blurDataUrl && loaded !== asset._id ? `url("${asset.blurDataUrl}")` : undefined,
        }}
      />
    </div>
  );
}
