// Letters on buttons: plain letters where nothing is typed, Alt and the letter everywhere.

/** Calls the action whose letter (or "Enter", "Escape") was pressed. Use on `<svelte:window onkeydown={…}>`. */
export function onKeys(actions: Record<string, () => void>): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.defaultPrevented || event.repeat || event.isComposing || event.ctrlKey || event.metaKey) return;
    const name = event.key.length === 1 ? letter(event) : event.key;
    const action = actions[name];
    if (!action) return;
    if (event.key.length === 1 && !event.altKey && isTyping(event.target)) return;
    if (event.key === "Enter" && isControl(event.target)) return;
    event.preventDefault();
    action();
  };
}

/** The letter by its place on the keyboard, so that a Cyrillic layout reaches the same buttons. */
function letter(event: KeyboardEvent): string {
  const place = /^Key([A-Z])$/.exec(event.code)?.[1];
  return (place ?? event.key).toLowerCase();
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(target.type))
  );
}

/** A focused button, link or summary has its own Enter. */
function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("button, a, summary, select") !== null;
}
