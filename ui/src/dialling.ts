// Makes one call of a double click, a held Enter key and an impatient second try.
import type { Backend } from "./backend/backend";
import type { Reply } from "./types/Reply";

/** The agent joins the same target within two seconds; the id covers everything that is still on its way. */
const SAME_WISH_MS = 2000;

export class Dialling {
  #backend: Backend;
  #wishes = new Map<string, { id: string; at: number }>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async dial(text: string): Promise<Reply> {
    const reply = await this.#backend.request({
      request: "dial",
      text,
      source: { kind: "typed" },
      request_id: this.#idFor(text),
    });
    // A refusal is an answer: the next key press is a new wish.
    if (reply.reply === "refused") this.#wishes.delete(text);
    return reply;
  }

  #idFor(text: string): string {
    const at = performance.now();
    for (const [other, wish] of this.#wishes) {
      if (at - wish.at > SAME_WISH_MS) this.#wishes.delete(other);
    }
    const wish = this.#wishes.get(text) ?? { id: randomId(), at };
    this.#wishes.set(text, wish);
    return wish.id;
  }
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
