// One WebSocket to the server: hello, snapshot, numbered changes; tried again for ever, and nothing is ever sent twice.
import { failed, Standing, type Line, type LineStatus } from "../presence/line.svelte";
import { newId } from "../presence/wishes";
import type { Answer } from "../wire/Answer";
import type { Client } from "../wire/Client";
import type { ClientMessage } from "../wire/ClientMessage";
import type { Failure } from "../wire/Failure";
import type { Interest } from "../wire/Interest";
import type { Request } from "../wire/Request";
import type { ServerMessage } from "../wire/ServerMessage";
import { backoff, type Waits } from "./backoff";

/** The version of the messages that this page speaks: `wire::VERSION`. */
export const VERSION = 1;

export interface Times extends Waits {
  /** Silence before the server is asked whether it is there. */
  silenceMs: number;
  /** Silence before the line counts as dead. */
  deadMs: number;
  /** How long a request may take. */
  deadlineMs: number;
}

export const TIMES: Times = { firstMs: 250, mostMs: 15_000, silenceMs: 5000, deadMs: 10_000, deadlineMs: 15_000 };

export interface LineOptions {
  url: string;
  token: string;
  client: Client;
  interest: Interest;
  /** The token is not known any more. */
  onsignedout: (words: string) => void;
  /** The server speaks another version than this page; true: the page is loaded again. */
  onversion: () => boolean;
  times?: Times;
  random?: () => number;
}

const BROKEN = "The line broke before the answer. Look whether it was done before you try again.";
const NO_LINE = "There is no line to the server just now. Nothing was sent.";

interface Pending {
  answered: Promise<Answer>;
  answer: (answer: Answer) => void;
  timer: ReturnType<typeof setTimeout>;
}

export class WebLine implements Line {
  readonly #standing = new Standing();
  readonly #options: LineOptions;
  readonly #times: Times;
  readonly #pending = new Map<string, Pending>();
  #interest: Interest;
  #socket: WebSocket | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #failures = 0;
  /** Of the last snapshot or change; `undefined`: a snapshot is on its way. */
  #seq: number | undefined;
  #heardAt = 0;
  #pingedAt: number | undefined;
  #pings = 0;
  #closed = false;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
    this.#interest = options.interest;
    this.#open();
  }

  get facts() {
    return this.#standing.facts;
  }

  get status(): LineStatus {
    return this.#standing.status;
  }

  request(request: Request, id: string = newId()): Promise<Answer> {
    const running = this.#pending.get(id);
    if (running) return running.answered;
    if (this.status.line !== "up") return Promise.resolve(failed("busy", NO_LINE));
    let answer!: (answer: Answer) => void;
    const answered = new Promise<Answer>((resolve) => (answer = resolve));
    const late = `The server has not answered for ${Math.round(this.#times.deadlineMs / 1000)} seconds. Look whether it was done before you try again.`;
    const timer = setTimeout(() => this.#answer(id, failed("unknown", late)), this.#times.deadlineMs);
    this.#pending.set(id, { answered, answer, timer });
    this.#send({ type: "request", id, request });
    return answered;
  }

  follow(interest: Interest): void {
    this.#interest = interest;
    if (this.status.line !== "up") return;
    this.#seq = undefined;
    this.#send({ type: "follow", interest });
  }

  /** The computer woke up, or its network came back: try at once, or ask whether the server is still there. */
  wake(): void {
    if (this.status.line === "away") this.#open();
    else if (this.status.line === "up" && this.#pingedAt === undefined) this.#ping();
  }

  /** Ends the line for good. */
  close(words = "Signed out."): void {
    this.#closed = true;
    this.#hangUp();
    this.#standing.status = { line: "ended", words };
  }

  #open(): void {
    this.#hangUp();
    if (this.#closed) return;
    if (this.#failures === 0) this.#standing.status = { line: "connecting", words: "Connecting to the server." };
    const socket = new WebSocket(this.#options.url);
    this.#socket = socket;
    this.#heard();
    socket.onopen = () => this.#hello();
    socket.onmessage = (event: MessageEvent) => this.#take(event.data);
    socket.onclose = () => this.#lost("The server does not answer.");
    this.#watch = setInterval(() => this.#listen(), this.#times.silenceMs / 5);
  }

  #hello(): void {
    const { token, client } = this.#options;
    this.#send({ type: "hello", version: VERSION, token, client, interest: this.#interest });
  }

  #send(message: ClientMessage): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#pingedAt = undefined;
  }

  /** A background tab's timers may come minutes apart: only a ping that stays unanswered proves a dead line. */
  #listen(): void {
    const at = performance.now();
    if (this.status.line !== "up") {
      if (at - this.#heardAt >= this.#times.deadMs) this.#lost("The server does not answer.");
    } else if (this.#pingedAt !== undefined) {
      if (at - this.#pingedAt >= this.#times.deadMs - this.#times.silenceMs) this.#lost("The server has gone silent.");
    } else if (at - this.#heardAt >= this.#times.silenceMs) {
      this.#ping();
    }
  }

  #ping(): void {
    this.#pingedAt = performance.now();
    this.#pings += 1;
    this.#send({ type: "ping", n: this.#pings });
  }

  #take(data: unknown): void {
    this.#heard();
    const message = parsed(data);
    if (!message) return this.#lost("The server said something that this page does not understand.");
    switch (message.type) {
      case "welcome":
        this.#failures = 0;
        this.#seq = undefined;
        this.facts.serverClock(message.now);
        this.facts.me = message.me;
        this.#standing.status = { line: "up", server: message.server };
        return;
      case "snapshot":
        this.#seq = message.seq;
        this.facts.snapshot(message.facts);
        return;
      case "changes":
        this.#change(message);
        return;
      case "reply":
        this.#answer(message.id, message);
        return;
      case "pong":
        return;
      case "goodbye":
        this.#goodbye(message);
    }
  }

  #change({ seq, facts }: Extract<ServerMessage, { type: "changes" }>): void {
    if (this.#seq === undefined || seq <= this.#seq) return;
    if (seq !== this.#seq + 1) {
      this.#seq = undefined;
      this.#send({ type: "resync" });
      return;
    }
    this.#seq = seq;
    this.facts.changes(facts);
  }

  #answer(id: string, answer: Answer): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    pending.answer(answer);
  }

  #goodbye(failure: Failure): void {
    switch (failure.code) {
      case "unauthenticated":
        this.close(failure.message);
        this.#options.onsignedout(failure.message);
        return;
      case "version":
        this.close(this.#options.onversion() ? "The server was updated; loading the page again." : failure.message);
        return;
      case "forbidden":
        this.close(failure.message);
        return;
      case "rate_limited":
      case "refused":
      case "unknown":
      case "pbx_away":
      case "not_found":
      case "bad_request":
      case "too_large":
      case "busy":
      case "too_slow":
      case "internal":
        this.#lost(failure.message, failure.retry_after_ms);
    }
  }

  #lost(words: string, afterMs?: number): void {
    this.#hangUp();
    if (this.#closed) return;
    const random = (this.#options.random ?? Math.random)();
    const wait = Math.max(afterMs ?? 0, backoff(this.#failures, this.#times, random));
    this.#failures += 1;
    this.#standing.status = { line: "away", words, retryAt: Date.now() + wait };
    this.#retry = setTimeout(() => this.#open(), wait);
  }

  /** Nothing of this connection is heard any more, and nobody waits for its answers. */
  #hangUp(): void {
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const id of [...this.#pending.keys()]) this.#answer(id, failed("unknown", BROKEN));
  }
}

function parsed(data: unknown): ServerMessage | undefined {
  try {
    const message: unknown = JSON.parse(String(data));
    const known = typeof message === "object" && message !== null && "type" in message;
    return known ? (message as ServerMessage) : undefined;
  } catch {
    return undefined;
  }
}
