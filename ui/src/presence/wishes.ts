// Makes one call of a double click, a held Enter key and an impatient second try.
import type { Answer } from "../wire/Answer";
import type { Line } from "./line.svelte";

const SAME_WISH_MS = 2000;

export class Wishes {
  #line: Line;
  #made = new Map<string, { id: string; at: number }>();

  constructor(line: Line) {
    this.#line = line;
  }

  async dial(text: string): Promise<Answer> {
    const answer = await this.#line.request({ request: "dial", text }, this.#idFor(text));
    // A refusal is an answer: the next key press is a new wish. What is unknown may have been done.
    if (answer.answer === "failed" && answer.code !== "unknown") this.#made.delete(text);
    return answer;
  }

  #idFor(text: string): string {
    const at = performance.now();
    for (const [other, wish] of this.#made) {
      if (at - wish.at > SAME_WISH_MS) this.#made.delete(other);
    }
    const wish = this.#made.get(text) ?? { id: newId(), at };
    this.#made.set(text, wish);
    return wish.id;
  }
}

/** A UUID. `crypto.randomUUID` is missing where the page came by plain HTTP. */
export function newId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
