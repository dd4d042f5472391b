// What a person is about to do at the panel: whom a call shall go to, and what became of the last wish.
import { getContext, setContext } from "svelte";
import type { Answer } from "../wire/Answer";
import type { Call } from "../wire/Call";
import type { Order } from "../wire/Order";
import { Kept } from "./favourites.svelte";
import { whyNoCall, whyNotNow, type Line } from "./line.svelte";
import { Wishes } from "./wishes";
import { callName } from "./words";

/** What this panel asked for in a call and the server does not tell back. */
export interface Asked {
  recording?: boolean;
  muted?: boolean;
  /** Asked first: this one rings or talks while the other side waits. */
  consulting?: string;
}

export class Desk {
  readonly line: Line;
  readonly favourites = new Kept("favourites");
  readonly closedGroups = new Kept("closed groups");
  /** What became of the last wish, if it was not done. */
  words = $state("");
  /** The call that is being transferred: the next colleague or number chosen gets it. */
  transferring = $state<string>();
  asked = $state.raw<Record<string, Asked>>({});
  #choices = new Kept("choices");
  #wishes: Wishes;

  constructor(line: Line) {
    this.line = line;
    this.#wishes = new Wishes(line);
  }

  /** Whether the target is asked before it gets the call. */
  get asksFirst(): boolean {
    return this.#choices.has("ask first");
  }

  set asksFirst(asks: boolean) {
    if (asks !== this.asksFirst) this.#choices.toggle("ask first");
  }

  async call(text: string): Promise<boolean> {
    const trouble = whyNoCall(this.line);
    return trouble ? this.#say(trouble) : this.#heed(await this.#wishes.dial(text));
  }

  async order(call: string | null, order: Order): Promise<boolean> {
    const trouble = whyNotNow(this.line);
    if (trouble) return this.#say(trouble);
    return this.#heed(await this.line.request({ request: "order", call, order }));
  }

  async hangUp(call: string): Promise<void> {
    this.#heed(await this.line.request({ request: "hang_up", call }));
  }

  async cancel(dial: string): Promise<void> {
    this.#heed(await this.line.request({ request: "cancel", dial }));
  }

  async closeMissed(item: string): Promise<void> {
    this.#heed(await this.line.request({ request: "close_missed", item }));
  }

  /** Without a call: the one that is talked, else the newest that rings. */
  startTransfer(call: string | undefined = this.#current()?.id): void {
    if (call === undefined) this.#say("There is no call to transfer.");
    else if (whyNotNow(this.line)) this.#say(whyNotNow(this.line)!);
    else this.transferring = call;
  }

  stopTransfer(): void {
    this.transferring = undefined;
  }

  /** Gives the call that is being transferred to a number, or calls it where none is. */
  async choose(to: string): Promise<boolean> {
    const id = this.transferring;
    if (id === undefined) return this.call(to);
    this.transferring = undefined;
    const call = this.line.facts.calls.get(id);
    if (!call) return this.#say("That call is over.");
    if (call.mine === "ringing") return this.order(id, { order: "redirect", to });
    if (!this.asksFirst) return this.order(id, { order: "blind_transfer", to });
    const done = await this.order(id, { order: "attended_transfer", to });
    if (done) this.note(id, { consulting: to });
    return done;
  }

  note(call: string, news: Asked): void {
    this.asked = { ...this.asked, [call]: { ...this.asked[call], ...news } };
  }

  /** The name of the call that is being transferred. */
  get transferringName(): string {
    const call = this.transferring === undefined ? undefined : this.line.facts.calls.get(this.transferring);
    return call ? callName(call) : "the call";
  }

  #current(): Call | undefined {
    const mine = this.line.facts.calls.values().sort((a, b) => b.since - a.since);
    return mine.find((call) => call.mine === "up") ?? mine.find((call) => call.mine === "ringing");
  }

  #heed(answer: Answer): boolean {
    this.words = answer.answer === "failed" ? answer.message : "";
    return answer.answer !== "failed";
  }

  #say(words: string): false {
    this.words = words;
    return false;
  }
}

const KEY = Symbol("desk");

export function setDesk(desk: Desk): Desk {
  return setContext(KEY, desk);
}

export function useDesk(): Desk {
  return getContext<Desk>(KEY);
}
