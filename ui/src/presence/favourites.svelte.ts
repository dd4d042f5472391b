// Things that a person has chosen on this screen, kept in the browser: pinned colleagues, closed groups.

/** A set of names that outlives the page. */
export class Kept {
  #names: ReadonlySet<string>;
  #key: string;

  constructor(key: string) {
    this.#key = `sidetone ${key}`;
    this.#names = $state.raw(new Set(read(this.#key)));
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  toggle(name: string): void {
    const names = new Set(this.#names);
    if (!names.delete(name)) names.add(name);
    this.#names = names;
    try {
      localStorage.setItem(this.#key, JSON.stringify([...names]));
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
