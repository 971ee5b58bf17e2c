/* SPDX-License-Identifier: Apache-2.0 */
/* Three ways in: files dropped anywhere on the page, pasted, or chosen by a button. */
import { useEffect, useRef, useState } from "react";
import { Button } from "../parts/Button";
import { TYPES, uploadAdd } from "./queue";
import { words } from "./words";

const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;

/* A paste of words into a field is the field's. */
function pasted(event: ClipboardEvent) {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  uploadAdd(files);
}

/* True while files hang over the page. Leaving a child is no leaving: depth is counted. */
function useDropping(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const set = (to: number) => {
      depth = Math.max(0, to);
      setOver(depth > 0);
    };
    const enter = (event: DragEvent) => holdsFiles(event) && set(depth + 1);
    const leave = (event: DragEvent) => holdsFiles(event) && set(depth - 1);
    const above = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      event.dataTransfer!.dropEffect = "copy";
    };
    const drop = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      set(0);
      uploadAdd(event.dataTransfer!.files);
    };
    const all: [string, (event: never) => unknown][] = [["dragenter", enter], ["dragleave", leave], ["dragover", above], ["drop", drop], ["paste", pasted]];
    all.forEach(([name, run]) => addEventListener(name, run as EventListener));
    return () => all.forEach(([name, run]) => removeEventListener(name, run as EventListener));
  }, []);
  return over;
}

export function DropVeil() {
  const over = useDropping();
  return over ? <div className="dropveil" aria-hidden="true"><p className="words">{words.dropHere}</p></div> : null;
}

export function UploadButton({ look }: { look?: "main" }) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button look={look} onClick={() => field.current?.click()}>{words.act}</Button>
      <input
        ref={field} type="file" hidden multiple accept={TYPES.join(",")} aria-label={words.choose}
        onChange={(event) => {
          uploadAdd(event.target.files ?? []);
          event.target.value = "";
        }}
      />
    </>
  );
}
