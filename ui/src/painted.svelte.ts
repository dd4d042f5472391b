// Tells the host what has been laid out, so that it sizes and shows the window, and what has been painted.
//
// A hidden window lays out but paints no frame (WebKitGTK 2.50 runs no requestAnimationFrame then). So the card is
// shown when it is laid out, which is 5 ms after the news, and counts as painted with its second frame. It goes the
// other way round: it is emptied first and hidden when that has been painted, so that the next call does not begin
// with a glimpse of the last caller.
import { tick, untrack } from "svelte";
import type { Store } from "./store.svelte";

/** A window behind a locked screen paints nothing; it is hidden without that. */
const PAINTS_WITHIN_MS = 150;

/** Reports once, when the first state is on the page. Call while the component is made. */
export function reportWhenDrawn(store: Store): void {
  let done = false;
  $effect(() => {
    if (!store.state || done) return;
    done = true;
    void tick().then(() => store.backend.laidOut({ height: 0, empty: false }));
  });
}

/** Reports the content's height whenever it changes, and when there is content at all or none any more. */
export function reportContent(store: Store, content: () => HTMLElement | undefined, empty: () => boolean): void {
  const report = () => {
    const element = content();
    if (element) void store.backend.laidOut({ height: Math.ceil(element.offsetHeight), empty: untrack(empty) });
  };
  $effect(() => {
    if (!store.state) return;
    empty();
    void tick().then(report);
  });
  $effect(() => {
    const element = content();
    if (!element || typeof ResizeObserver === "undefined") return;
    const watch = new ResizeObserver(report);
    watch.observe(element);
    return () => watch.disconnect();
  });
}

/** Reports each new set of calls once it can be seen. */
export function reportPainted(store: Store, calls: () => string[]): void {
  let drawn = "";
  $effect(() => {
    const now = calls();
    if (!store.state || now.join() === drawn) return;
    drawn = now.join();
    const receivedAt = store.receivedAt;
    const report = () => {
      // Overtaken by newer calls, which report themselves.
      if (now.join() === drawn) void store.backend.painted({ calls: now, receivedAt });
    };
    if (now.length > 0) twoFrames(report);
    else {
      const timer = setTimeout(report, PAINTS_WITHIN_MS);
      twoFrames(() => {
        clearTimeout(timer);
        report();
      });
    }
  });
}

/** The second frame begins when the first one is on its way to the screen. */
function twoFrames(then: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(then));
}
