// The panel's line where it is a window of the desktop: facts and answers come from the agent, with a server or without.
import { Facts } from "../presence/facts.svelte";
import { failed, type Line, type LineStatus } from "../presence/line.svelte";
import { newId } from "../presence/wishes";
import type { Store } from "../store.svelte";
import type { Connection } from "../types/Connection";
import type { Answer } from "../wire/Answer";
import type { Interest } from "../wire/Interest";
import type { Request } from "../wire/Request";

/** The agent answers earlier, if only that it does not know. */
export const DEADLINE_MS = 20_000;

const LATE = "There was no answer. Look whether it was done before you try again.";
const BROKEN = "The program that makes calls was not reached. Look whether it was done before you try again.";
const ODD = "This was answered by something else.";

export class TauriLine implements Line {
  readonly facts = new Facts();
  readonly #store: Store;
  readonly #running = new Map<string, Promise<Answer>>();

  constructor(store: Store) {
    this.#store = store;
    store.onFacts = (fromNothing, facts) => {
      if (fromNothing) this.facts.snapshot(facts);
      else this.facts.changes(facts);
    };
  }

  get status(): LineStatus {
    const connection = this.#store.state?.connection;
    return connection ? told(connection) : { line: "connecting", words: "Starting." };
  }

  request(request: Request, id: string = newId()): Promise<Answer> {
    const running = this.#running.get(id);
    if (running) return running;
    const answered = this.#ask(request, id).finally(() => this.#running.delete(id));
    this.#running.set(id, answered);
    return answered;
  }

  follow(interest: Interest): void {
    const { extensions, queues, parked, missed } = interest;
    const on = extensions !== "none" || queues !== "none" || parked || missed;
    // Without the agent there is nothing to follow; the window says so itself.
    void this.#store.backend.request({ request: "follow", on }).catch(() => undefined);
  }

  /** Nothing more is heard. */
  close(): void {
    this.#store.onFacts = undefined;
  }

  async #ask(wish: Request, id: string): Promise<Answer> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<Answer>((resolve) => {
      timer = setTimeout(() => resolve(failed("unknown", LATE)), DEADLINE_MS);
    });
    try {
      return await Promise.race([late, this.#reply(wish, id)]);
    } catch {
      return failed("unknown", BROKEN);
    } finally {
      clearTimeout(timer);
    }
  }

  async #reply(wish: Request, id: string): Promise<Answer> {
    const reply = await this.#store.backend.request({ request: "wish", request_id: id, wish });
    if (reply.reply === "answer") return reply.value;
    return reply.reply === "refused" ? failed("refused", reply.value.words) : failed("internal", ODD);
  }
}

function told(connection: Connection): LineStatus {
  switch (connection.state) {
    case "connected":
      return { line: "up", server: connection.pbx };
    case "connecting":
      return { line: "connecting", words: connection.words };
    case "away":
      return { line: "away", words: connection.words, retryAt: connection.retry_at };
    case "refused":
    case "not_set_up":
      return { line: "ended", words: connection.words };
  }
}
