/* SPDX-License-Identifier: Apache-2.0 */
import { ConvexProvider } from "convex/react";
import { createRoot } from "react-dom/client";
import { App, pageReady } from "./app/App";
import { client, sessionStart } from "./app/session";
import { upgradeWatch } from "./app/upgrade";

void sessionStart();
upgradeWatch();
void pageReady.then(() =>
  createRoot(document.getElementById("root")!).render(
    <ConvexProvider client={client}>
      <App />
    </ConvexProvider>,
  ),
);
