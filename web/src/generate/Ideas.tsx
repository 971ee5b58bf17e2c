/* SPDX-License-Identifier: Apache-2.0 */
/* Six examples that fill the prompt. Its own piece, because the menu behind it is not needed to begin. */
import * as Menu from "@radix-ui/react-dropdown-menu";
import { useRef } from "react";
import { DownIcon } from "../parts/icons";
import { words } from "../words";
import type { Kind } from "./draft";

export default function Ideas({ kind, onChoose }: { kind: Kind; onChoose: (idea: string) => void }) {
  const chosen = useRef<string>(undefined);
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="word">{words.composer.ideas}<DownIcon /></Menu.Trigger>
      <Menu.Content
        className="menu ideas" align="start" sideOffset={6} collisionPadding={12}
        onCloseAutoFocus={(event) => {
          if (chosen.current === undefined) return;
          event.preventDefault();
          onChoose(chosen.current);
          chosen.current = undefined;
        }}
      >
        {words.ideas[kind].map((idea) => (
          <Menu.Item key={idea} className="item words" onSelect={() => (chosen.current = idea)}>{idea}</Menu.Item>
        ))}
      </Menu.Content>
    </Menu.Root>
  );
}
