// The panel's line where it is a window of the desktop: facts and answers come from the agent, with a server or without.
import { Facts } from "../presence/facts.svelte";
import type { Line, LineStatus } from "../presence/line.svelte";
import type { Store } from "../store.svelte";
import type { Connection } from "../types/Connection";
import type { Answer } from "../wire/Answer";
import type { Interest } from "../wire/Interest";
import type { Request } from "../wire/Request";
import { Wishing } from "./wishing";

export class TauriLine implements Line {
  readonly facts = new Facts();
  readonly #store: Store;
  readonly #wishing: Wishing;

  constructor(store: Store) {
    this.#store = store;
    this.#wishing = new Wishing(store.backend);
    store.onFacts = (fromNothing, facts) => {
      if (fromNothing) this.facts.snapshot(facts);
      else this.facts.changes(facts);
    };
  }

  get status(): LineStatus {
    const connection = this.#store.state?.connection;
    return connection ? told(connection) : { line: "connecting", words: "Starting." };
  }

  request(request: Request, id?: string): Promise<Answer> {
    return this.#wishing.request(request, id);
  }

  openLink(url: string): Promise<string | undefined> {
    return this.#wishing.openLink(url);
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
