// A host without a host: for component tests and for looking at a window in a browser.
import type { Change } from "../types/Change";
import type { Reply } from "../types/Reply";
import type { Request } from "../types/Request";
import type { State } from "../types/State";
import type { Fact } from "../wire/Fact";
import type { Backend, LaidOut, News, Painted } from "./backend";

type Answer = (request: Request) => Reply | Promise<Reply>;

export class FakeBackend implements Backend {
  /** What was asked for, oldest first. */
  readonly requests: Request[] = [];
  readonly layouts: LaidOut[] = [];
  readonly paintings: Painted[] = [];
  keyboardTaken = 0;
  #state: State;
  #seq = 1;
  #answer: Answer;
  #onNews: ((news: News) => void) | undefined;

  constructor(state: State, answer: Answer = () => ({ reply: "done" })) {
    this.#state = state;
    this.#answer = answer;
  }

  async request(request: Request): Promise<Reply> {
    this.requests.push(request);
    if (request.request === "snapshot") {
      return { reply: "snapshot", value: { seq: this.#seq, state: structuredClone(this.#state) } };
    }
    return this.#answer(request);
  }

  subscribe(onNews: (news: News) => void): void {
    this.#onNews = onNews;
    const snapshot = { seq: this.#seq, state: structuredClone(this.#state) };
    onNews({ message: "snapshot", receivedAt: this.#seq, snapshot });
  }

  async laidOut(what: LaidOut): Promise<void> {
    this.layouts.push(what);
  }

  async painted(what: Painted): Promise<void> {
    this.paintings.push(what);
  }

  async takeKeyboard(): Promise<void> {
    this.keyboardTaken += 1;
  }

  /** A part of the state is new. */
  change(change: Change): void {
    Object.assign(this.#state, { [change.part]: change.value });
    this.#seq += 1;
    this.#onNews?.({ message: "change", receivedAt: this.#seq, seq: this.#seq, change });
  }

  /** Something about colleagues. */
  facts(facts: Fact[], fromNothing = false): void {
    this.#onNews?.({ message: "facts", receivedAt: this.#seq, from_nothing: fromNothing, facts });
  }

  /** A change that never reaches the window, as if the line had dropped it. */
  loseChange(change: Change): void {
    Object.assign(this.#state, { [change.part]: change.value });
    this.#seq += 1;
  }

  /** Requests of one kind. */
  asked<K extends Request["request"]>(kind: K): Extract<Request, { request: K }>[] {
    return this.requests.filter((r): r is Extract<Request, { request: K }> => r.request === kind);
  }
}
