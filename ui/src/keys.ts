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

/** Up and down go from button to button of a list. Use on the list's `onkeydown`. */
export function walkButtons(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...(event.currentTarget as HTMLElement).querySelectorAll("button")];
  const next = buttons[buttons.indexOf(event.target as HTMLButtonElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
