/* SPDX-License-Identifier: Apache-2.0 */
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const pages = ["pricing", "privacy", "terms"];

/* In development the shell answers the same addresses as the real server does. */
const shell: Plugin = {
  name: "atelier-shell",
  configureServer(server) {
    server.middlewares.use((request, _response, next) => {
      const path = (request.url ?? "/").split("?")[0]!;
      const name = path.slice(1);
      if (pages.includes(name)) request.url = `/${name}.html`;
      else if (request.headers.accept?.includes("text/html") && path !== "/") request.url = "/app.html";
      next();
    });
  },
};

export default defineConfig({
  appType: "mpa",
  plugins: [react(), tailwindcss(), shell],
  resolve: {
    /* The original writes a <style> element, which our content security policy forbids. */
    alias: { "react-style-singleton": here("src/shim/style-singleton.ts") },
  },
  server: { proxy: { "/api": { target: "http://localhost:7070", ws: true } } },
  build: {
    target: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: Object.fromEntries(["index", "app", ...pages].map((name) => [name, here(`${name}.html`)])),
    },
  },
});
