// The state as this window knows it: one snapshot, then numbered changes; on a gap a snapshot again.
import { getContext } from "svelte";
import type { Backend, News } from "./backend/backend";
import type { Change } from "./types/Change";
import type { Snapshot } from "./types/Snapshot";
import type { State } from "./types/State";
import type { Fact } from "./wire/Fact";

/** Changes kept while a snapshot is on its way; more than this and the next snapshot is simply asked for again. */
const KEPT = 64;

export class Store {
  /** `undefined` until the first snapshot. Parts are replaced whole, never edited in place. */
  state = $state.raw<State>();
  /** When the news that this state comes from reached the program, Unix microseconds. */
  receivedAt = 0;
  readonly backend: Backend;
  /** Whoever shows colleagues hears the facts about them. */
  onFacts: ((fromNothing: boolean, facts: Fact[]) => void) | undefined;
  #seq = 0;
  #asking = false;
  #kept: { seq: number; change: Change; receivedAt: number }[] = [];

  constructor(backend: Backend) {
    this.backend = backend;
    backend.subscribe((news) => this.#take(news));
  }

  #take(news: News): void {
    if (news.message === "snapshot") {
      this.#replace(news.snapshot, news.receivedAt);
      return;
    }
    if (news.message === "facts") {
      this.onFacts?.(news.from_nothing, news.facts);
      return;
    }
    if (this.#asking) {
      if (this.#kept.length < KEPT) this.#kept.push(news);
      return;
    }
    if (news.seq <= this.#seq) return;
    if (!this.state || news.seq !== this.#seq + 1) {
      this.#kept.push(news);
      void this.#askAgain();
      return;
    }
    this.#apply(news);
  }

  #apply({ seq, change, receivedAt }: { seq: number; change: Change; receivedAt: number }): void {
    if (!this.state) return;
    this.#seq = seq;
    this.receivedAt = receivedAt;
    this.state = { ...this.state, [change.part]: change.value };
  }

  #replace(snapshot: Snapshot, receivedAt: number): void {
    this.#asking = false;
    this.#seq = snapshot.seq;
    this.receivedAt = receivedAt;
    this.state = snapshot.state;
    const kept = this.#kept;
    this.#kept = [];
    for (const news of kept) this.#take({ message: "change", ...news });
  }

  async #askAgain(): Promise<void> {
    this.#asking = true;
    const last = this.#kept.at(-1);
    try {
      const reply = await this.backend.request({ request: "snapshot" });
      if (reply.reply === "snapshot") this.#replace(reply.value, last?.receivedAt ?? this.receivedAt);
    } finally {
      // Without an answer the next change asks again.
      this.#asking = false;
    }
  }
}

const KEY = Symbol("store");

/** What a window's root component is mounted with. */
export function withStore(store: Store): Map<symbol, Store> {
  return new Map([[KEY, store]]);
}

/** The store of the window that a component is in. */
export function useStore(): Store {
  return getContext<Store>(KEY);
}
