import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

const entry = (name: string) => fileURLToPath(new URL(`${name}.html`, import.meta.url));

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  build: {
    // WebKitGTK 2.40 (Debian 12) and WebView2 understand more than this; macOS 12 does not.
    target: "safari15",
    // The polyfill would be an inline script, which the windows' CSP forbids.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      input: { card: entry("card"), panel: entry("panel"), confirm: entry("confirm"), settings: entry("settings") },
    },
  },
  test: {
    environment: "jsdom",
    css: true,
    include: ["src/**/*.test.ts"],
    restoreMocks: true,
    setupFiles: ["src/testing/setup.ts"],
    testTimeout: 30_000,
  },
});
