/* SPDX-License-Identifier: Apache-2.0 */
/* Controls for what a model declares: tiles drawn to their ratio, segments, a slider that can be typed
   into, and the seed. None of them knows any model. */
import * as Radio from "@radix-ui/react-radio-group";
import * as Slider from "@radix-ui/react-slider";
import { useEffect, useState } from "react";
import type { Range } from "../types";
import { words } from "../words";
import { SEED_LIMIT } from "./draft";

interface Shape {
  name: string;
  width: number;
  height: number;
}

const LONGEST = 28;

/* The sides of a tile's drawing: the same area for every ratio, within a box. */
function drawn(width: number, height: number) {
  const root = Math.sqrt(width / height);
  const scale = Math.min(20, LONGEST / Math.max(root, 1 / root));
  return { width: Math.round(root * scale), height: Math.round(scale / root) };
}

export function ShapeTiles({ shapes, value, onChange }: { shapes: Shape[]; value: Shape; onChange: (name: string) => void }) {
  return (
    <div>
      <span className="legend">
        {words.composer.shape} <span className="quiet num plain">{value.width} × {value.height}</span>
      </span>
      <Radio.Root className="shapes" aria-label={words.composer.shape} value={value.name} onValueChange={onChange}>
        {shapes.map((shape) => (
          <Radio.Item key={shape.name} value={shape.name} className="shape">
            <i style={drawn(shape.width, shape.height)} />
            <span>{shape.name}</span>
          </Radio.Item>
        ))}
      </Radio.Root>
    </div>
  );
}

interface SegmentProps<T extends string | number> {
  label: string;
  options: readonly T[];
  /* Those that are there and cannot be chosen. */
  off?: readonly T[];
  value: T;
  name?: (value: T) => string;
  onChange: (value: T) => void;
}

export function Segments<T extends string | number>({ label, options, off, value, name, onChange }: SegmentProps<T>) {
  const find = (text: string) => options.find((option) => String(option) === text) as T;
  return (
    <div className="rowline">
      <span className="legend">{label}</span>
      <Radio.Root
        className="seg" aria-label={label} orientation="horizontal" value={String(value)}
        onValueChange={(text) => onChange(find(text))}
      >
        {options.map((option) => (
          <Radio.Item key={option} value={String(option)} className="num" disabled={off?.includes(option)}>{name ? name(option) : option}</Radio.Item>
        ))}
      </Radio.Root>
    </div>
  );
}

interface SlideProps {
  label: string;
  range: Range;
  step: number;
  value: number;
  onChange: (value: number | undefined) => void;
}

export function Slide({ label, range, step, value, onChange }: SlideProps) {
  const [typed, setTyped] = useState(String(value));
  useEffect(() => setTyped(String(value)), [value]);
  const commit = () => {
    const wanted = Number(typed.replace(",", "."));
    const fits = typed.trim() !== "" && Number.isFinite(wanted);
    const next = fits ? Math.min(range.max, Math.max(range.min, Math.round(wanted / step) * step)) : value;
    setTyped(String(next));
    onChange(next);
  };
  return (
    <div className="slide">
      <span className="slide-name">
        {label}
        {value !== range.default && (
          <button type="button" className="word quiet" onClick={() => onChange(undefined)} aria-label={`${words.composer.resetAll}: ${label}`}>
            {words.reset}
          </button>
        )}
      </span>
      <Slider.Root className="slider" min={range.min} max={range.max} step={step} value={[value]} onValueChange={([next]) => onChange(next)}>
        <Slider.Track className="track"><Slider.Range className="range" /></Slider.Track>
        <Slider.Thumb className="thumb" aria-label={label} />
      </Slider.Root>
      <input
        className="typed num" inputMode="decimal" aria-label={label} value={typed}
        onChange={(event) => setTyped(event.target.value)} onBlur={commit}
        onKeyDown={(event) => event.key === "Enter" && !event.metaKey && !event.ctrlKey && (event.preventDefault(), commit())}
      />
    </div>
  );
}

export function SeedLine({ value, onChange }: { value: number | null; onChange: (value: number | null) => void }) {
  const c = words.composer;
  if (value === null) {
    const draw = () => onChange(Math.floor(Math.random() * SEED_LIMIT));
    return (
      <div className="slide">
        <span>{c.seed}</span><span className="quiet">{c.seedFree}</span>
        <button type="button" className="word end" onClick={draw}>{c.seedLock}</button>
      </div>
    );
  }
  const type = (text: string) => {
    const digits = text.replace(/\D/g, "").slice(0, 10);
    onChange(Math.min(SEED_LIMIT, Number(digits || 0)));
  };
  return (
    <div className="slide">
      <span>{c.seed}</span>
      <input
        className="typed seed num" inputMode="numeric" aria-label={c.seedField} value={value} onChange={(event) => type(event.target.value)}
        onKeyDown={(event) => event.key === "Enter" && !event.metaKey && !event.ctrlKey && event.preventDefault()}
      />
      <button type="button" className="word end" onClick={() => onChange(null)}>{c.seedFreeAct}</button>
    </div>
  );
}
