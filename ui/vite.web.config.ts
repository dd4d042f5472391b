// The browser pages that `sidetone-server` serves; the windows of the desktop are built by `vite.config.ts`.
// Each page is built by itself (`--mode index`, then `--mode admin`): what they would share in chunks costs more bytes
// than it saves, because hardly anybody opens both.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(readFileSync(here("package.json"), "utf8")) as { version: string };

export default defineConfig(({ mode }) => ({
  root: here("web"),
  // The pages may lie below a path of a proxy.
  base: "./",
  plugins: [svelte({ configFile: here("svelte.config.js") })],
  define: { "import.meta.env.VITE_VERSION": JSON.stringify(version) },
  build: {
    target: "safari15",
    outDir: here("dist-web"),
    emptyOutDir: mode === "index",
    // The polyfill would be an inline script, which the pages' CSP forbids.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      // Of Svelte's reactive Map, Date and URL, its custom elements and its old components nothing is used; they only
      // look as if importing them did something.
      treeshake: {
        moduleSideEffects: [{ test: /svelte\/src\/(reactivity|legacy|internal\/client\/dom)\//, sideEffects: false }],
      },
      input: here(`web/${mode}.html`),
    },
  },
  server: { fs: { allow: [here(".")] } },
}));
