// Things that a person has chosen on this screen, kept in the browser: pinned colleagues, closed groups.
import { SvelteSet } from "svelte/reactivity";

/** A set of names that outlives the page. */
export class Kept {
  #names: SvelteSet<string>;
  #key: string;

  constructor(key: string) {
    this.#key = `sidetone ${key}`;
    this.#names = new SvelteSet(read(this.#key));
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  toggle(name: string): void {
    if (!this.#names.delete(name)) this.#names.add(name);
    try {
      localStorage.setItem(this.#key, JSON.stringify([...this.#names]));
    } catch {
      // Kept until the page closes.
    }
  }
}

function read(key: string): string[] {
  try {
    const names: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(names) ? names.filter((name): name is string => typeof name === "string") : [];
  } catch {
    return [];
  }
}
