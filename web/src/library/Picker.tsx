/* SPDX-License-Identifier: Apache-2.0 */
/* One of several, from a menu whose button says which it is. */
import * as Menu from "@radix-ui/react-dropdown-menu";
import { DownIcon, TickIcon } from "../parts/icons";

export interface PickerProps {
  label: string;
  value: string;
  /* What the value is called. */
  name: string;
  options: readonly (readonly [string, string])[];
  onChoose: (value: string) => void;
}

export default function Picker({ label, value, name, options, onChoose }: PickerProps) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="word" aria-label={`${label}: ${name}`}>{name} <DownIcon /></Menu.Trigger>
      <Menu.Content className="menu" align="end" sideOffset={6} collisionPadding={12}>
        <Menu.RadioGroup value={value} onValueChange={onChoose}>
          <Menu.Label className="item-label">{label}</Menu.Label>
          {options.map(([one, text]) => (
            <Menu.RadioItem key={one} className="item" value={one}>{text}<Menu.ItemIndicator><TickIcon /></Menu.ItemIndicator></Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Content>
    </Menu.Root>
  );
}
