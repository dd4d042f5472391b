// Tells the host what has been laid out, so that it sizes the window and shows it.
import { tick, untrack } from "svelte";
import type { Store } from "./store.svelte";

/** Reports once, when the first state is on the page. Call while the component is made. */
export function reportWhenDrawn(store: Store): void {
  let done = false;
  $effect(() => {
    if (!store.state || done) return;
    done = true;
    void tick().then(() => report(store, 0, []));
  });
}

/**
 * Reports whenever the content is drawn anew or has another height.
 * `calls`: what is drawn; a change in them is reported even where the height stays.
 */
export function reportContent(store: Store, content: () => HTMLElement | undefined, calls: () => string[]): void {
  const now = () => {
    const element = content();
    if (element) report(store, element.offsetHeight, untrack(calls));
  };
  $effect(() => {
    if (!store.state) return;
    calls();
    void tick().then(now);
  });
  $effect(() => {
    const element = content();
    if (!element || typeof ResizeObserver === "undefined") return;
    const watch = new ResizeObserver(now);
    watch.observe(element);
    return () => watch.disconnect();
  });
}

function report(store: Store, height: number, calls: string[]): void {
  void store.backend.painted({ height: Math.ceil(height), calls, receivedAt: store.receivedAt });
}
