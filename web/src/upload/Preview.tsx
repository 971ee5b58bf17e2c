/* SPDX-License-Identifier: Apache-2.0 */
/* The file itself, shown from this device before any byte has arrived: blurred while it is on its way,
   sharp when it is there. What the browser cannot draw stays a wall. */
import { useEffect, useState } from "react";
import type { Upload } from "./queue";

export function Preview({ upload }: { upload: Upload }) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(upload.file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [upload.file]);
  const [lost, setLost] = useState(false);
  const look = upload.phase === "done" || upload.phase === "landing" ? "arriving sharp" : "arriving";
  return (
    <span className="print incoming-print">
      {address && !lost && (upload.film
        ? <video className={look} src={`${address}#t=0.1`} muted playsInline preload="metadata" onError={() => setLost(true)} />
        : <img className={look} src={address} alt="" decoding="async" onError={() => setLost(true)} />)}
    </span>
  );
}
