// The browser pages that `sidetone-server` serves; the windows of the desktop are built by `vite.config.ts`.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(readFileSync(here("package.json"), "utf8")) as { version: string };

export default defineConfig({
  root: here("web"),
  // The pages may lie below a path of a proxy.
  base: "./",
  plugins: [svelte({ configFile: here("svelte.config.js") })],
  define: { "import.meta.env.VITE_VERSION": JSON.stringify(version) },
  build: {
    target: "safari15",
    outDir: here("dist-web"),
    emptyOutDir: true,
    // The polyfill would be an inline script, which the pages' CSP forbids.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: { input: { index: here("web/index.html"), admin: here("web/admin.html") } },
  },
  server: { fs: { allow: [here(".")] } },
});
