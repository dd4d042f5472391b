// Now, once a second, and only while something on the screen shows a running time.
import { createSubscriber } from "svelte/reactivity";

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, 1000);
  return () => clearInterval(timer);
});

/** Unix milliseconds; whoever reads it in a template is drawn again each second. */
export function now(): number {
  subscribe();
  return Date.now();
}
