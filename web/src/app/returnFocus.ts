/* SPDX-License-Identifier: Apache-2.0 */
/* For dialogs that have no trigger of their own: the focus goes back to what opened them, or to the
   page if that has gone or another page stands there now. For onCloseAutoFocus. */
import { useState } from "react";

export function useReturnFocus() {
  const [opened] = useState(() => ({ by: document.activeElement as HTMLElement | null, at: location.pathname }));
  return (event: Event) => {
    event.preventDefault();
    const { by, at } = opened;
    const back = by?.isConnected && by !== document.body && at === location.pathname;
    (back ? by : document.getElementById("main"))?.focus({ preventScroll: true });
  };
}
