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

/* The files of each page that is fetched when it is gone to, by the first part of its address, for
   public/early.js: what the application itself brings is not among them. */
const addresses: Record<string, string> = {
  generate: "generate/Generate", library: "library/Library", billing: "billing/Billing", storage: "storage/Storage", settings: "account/Settings",
};
const piecesNamed: Plugin = {
  name: "atelier-pieces",
  transformIndexHtml: {
    order: "post",
    handler(html, { bundle, chunk }) {
      if (!bundle || chunk?.name !== "app") return;
      const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
      const under = (file: string, all: Set<string>): Set<string> => {
        if (!all.has(file)) chunks.find((one) => one.fileName === file)?.imports.forEach((next) => under(next, all.add(file)));
        return all.add(file);
      };
      const here = under(chunk.fileName, new Set());
      const filesOf = (source: string) => {
        const page = chunks.find((one) => one.moduleIds.some((id) => id.endsWith(`/src/${source}.tsx`)));
        if (!page) throw new Error(`there is no piece ${source}`);
        return [...under(page.fileName, new Set())].filter((file) => !here.has(file)).map((file) => `/${file}`);
      };
      const named = Object.entries(addresses).map(([address, source]) => [address, filesOf(source)]);
      const content = JSON.stringify(Object.fromEntries(named)).replaceAll('"', "&quot;");
      return html.replace('<script src="/early.js">', `<meta name="pieces" content="${content}">\n    $&`);
    },
  },
};

export default defineConfig({
  appType: "mpa",
  plugins: [react(), tailwindcss(), shell, piecesNamed],
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
