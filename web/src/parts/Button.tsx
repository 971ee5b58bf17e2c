/* SPDX-License-Identifier: Apache-2.0 */
/* A button stays reachable when it can do nothing: aria-disabled keeps the focus where it was. */
import type { ButtonHTMLAttributes } from "react";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: "main" | "main tall" | "plain" | "destroy";
  busy?: boolean;
  idle?: boolean;
}

export function Button({ look, busy, idle, className, onClick, type, ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type ?? "button"}
      className={["button", look, className].filter(Boolean).join(" ")}
      aria-busy={busy || undefined}
      aria-disabled={idle || undefined}
      onClick={(event) => {
        if (busy || idle) event.preventDefault();
        else onClick?.(event);
      }}
    />
  );
}
