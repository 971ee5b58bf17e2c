/* SPDX-License-Identifier: Apache-2.0 */
/* Name and plan; behind them settings, theme, keys and the way out. */
import * as Menu from "@radix-ui/react-dropdown-menu";
import type { User } from "../types";
import { words } from "../words";
import { TickIcon } from "../parts/icons";
import { keySheet } from "./keys";
import { navigate } from "./router";
import { sessionLeave } from "./session";
import { useStore } from "./store";
import { theme, themeChoose, type Theme } from "./theme";

const themes: [Theme, string][] = [
  ["system", words.settings.system],
  ["dark", words.settings.dark],
  ["light", words.settings.light],
];

export default function AccountMenu({ me, small }: { me: User; small?: boolean }) {
  const chosen = useStore(theme);
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className={small ? "who bar-who" : "who"}>
        <b>{small ? words.places.you : me.name || me.email}</b>
        {!small && <span className="quiet">{me.planName}</span>}
      </Menu.Trigger>
      <Menu.Content className="menu" align="start" sideOffset={8} collisionPadding={12}>
        <Menu.Item className="item" onSelect={() => navigate("/billing")}>{words.places.billing}</Menu.Item>
        <Menu.Item className="item" onSelect={() => navigate("/settings")}>{words.places.settings}</Menu.Item>
        <Menu.Item className="item" onSelect={() => keySheet.set(true)}>{words.keys.show}<kbd>?</kbd></Menu.Item>
        <Menu.Separator className="rule" />
        <Menu.RadioGroup value={chosen} onValueChange={(value) => themeChoose(value as Theme)}>
          <Menu.Label className="item-label">{words.settings.theme}</Menu.Label>
          {themes.map(([value, name]) => (
            <Menu.RadioItem key={value} className="item" value={value} onSelect={(event) => event.preventDefault()}>
              {name}<Menu.ItemIndicator><TickIcon /></Menu.ItemIndicator>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Separator className="rule" />
        <Menu.Item className="item" onSelect={() => void sessionLeave()}>{words.account.signOut}</Menu.Item>
      </Menu.Content>
    </Menu.Root>
  );
}
