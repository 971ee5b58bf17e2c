/* SPDX-License-Identifier: Apache-2.0 */
/* Label above, help below; a fault takes the help's place. */
import type { InputHTMLAttributes } from "react";

interface Props extends InputHTMLAttributes<HTMLInputElement> {
  name: string;
  label: string;
  help?: string;
  fault?: string;
}

export function Field({ name, label, help, fault, ...rest }: Props) {
  const note = `${name}-note`;
  return (
    <div className="field">
      <label htmlFor={name}>{label}</label>
      <input
        {...rest} id={name} name={name} className="input" aria-invalid={fault ? true : undefined}
        aria-describedby={fault || help ? note : undefined}
      />
      {(fault ?? help) && <p id={note} className={fault ? "wrong" : "help"}>{fault ?? help}</p>}
    </div>
  );
}
