// A line without a server: tells what a test wants and remembers what was asked for.
import { flushSync } from "svelte";
import { Standing, type Line, type LineStatus } from "../presence/line.svelte";
import type { Answer } from "../wire/Answer";
import type { Fact } from "../wire/Fact";
import type { Interest } from "../wire/Interest";
import type { Order } from "../wire/Order";
import type { Request } from "../wire/Request";

export class FakeLine implements Line {
  /** What was asked for, oldest first. */
  readonly requests: { id: string | undefined; request: Request }[] = [];
  readonly interests: Interest[] = [];
  #standing = new Standing();
  #answer: (request: Request) => Answer | Promise<Answer>;

  constructor(facts: Fact[], answer: (request: Request) => Answer | Promise<Answer> = () => ({ answer: "done" })) {
    this.#answer = answer;
    this.#standing.status = { line: "up", server: "fake" };
    this.facts.snapshot(facts);
  }

  get facts() {
    return this.#standing.facts;
  }

  get status(): LineStatus {
    return this.#standing.status;
  }

  async request(request: Request, id?: string): Promise<Answer> {
    this.requests.push({ id, request });
    return this.#answer(request);
  }

  follow(interest: Interest): void {
    this.interests.push(interest);
  }

  /** The server says something new. */
  tell(...facts: Fact[]): void {
    flushSync(() => this.facts.changes(facts));
  }

  become(status: LineStatus): void {
    flushSync(() => (this.#standing.status = status));
  }

  /** Requests of one kind. */
  asked<K extends Request["request"]>(kind: K): Extract<Request, { request: K }>[] {
    return this.requests
      .map(({ request }) => request)
      .filter((r): r is Extract<Request, { request: K }> => r.request === kind);
  }

  orders(): { call: string | null; order: Order }[] {
    return this.asked("order").map(({ call, order }) => ({ call, order }));
  }
}
