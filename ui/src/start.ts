// Starts a window: finds its host, then draws its component from the store.
import { mount, type Component } from "svelte";
import type { Backend } from "./backend/backend";
import { TauriBackend } from "./backend/tauri";
import "./look.css";
import { Store, withStore } from "./store.svelte";

export async function start(window: Component): Promise<void> {
  document.addEventListener("contextmenu", onlyWhereTextIs);
  const store = new Store(await backend());
  mount(window, { target: document.body, context: withStore(store) });
}

/** In a plain browser (`npm run dev`, `panel.html?scene=busy`) a made-up host takes the place of the real one. */
async function backend(): Promise<Backend> {
  if (import.meta.env.DEV && !("__TAURI_INTERNALS__" in window)) {
    const { scene } = await import("./testing/scenes");
    return scene(new URLSearchParams(location.search).get("scene"));
  }
  return new TauriBackend();
}

/** The webview's own menu is for copy and paste; "Reload" has no place in a window of a program. */
function onlyWhereTextIs(event: MouseEvent): void {
  const isField = event.target instanceof Element && event.target.closest("input, textarea") !== null;
  if (!isField && getSelection()?.isCollapsed !== false) event.preventDefault();
}
