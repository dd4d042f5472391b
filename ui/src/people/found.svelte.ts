// People by name while one types: asked after a breath, again as long as a source still searches, and never shown for
// what stood in the field before.
import type { Person } from "../wire/Person";
import type { SourceReport } from "../wire/SourceReport";
import type { Asker } from "./asker";

/** Long enough to skip the letters of a fast typist. */
const ASK_AFTER_MS = 150;
/** The answer waits for slow sources itself; this keeps a host that does not wait from being asked without a pause. */
const AGAIN_AFTER_MS = 250;
/** A source that has not answered by then is left alone. */
const GIVE_UP_AFTER_MS = 10_000;
/** One letter finds everybody. */
const SHORTEST = 2;

export class Search {
  people = $state.raw<Person[]>([]);
  sources = $state.raw<SourceReport[]>([]);
  /** Why nothing could be asked. */
  words = $state("");
  /** Asked, or about to be. */
  busy = $state(false);
  /** What `people` are found for. */
  foundFor = $state("");
  #asker: Asker;
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  /** The field's text from now on. */
  look(text: string): void {
    const wanted = text.trim();
    const mine = ++this.#asked;
    clearTimeout(this.#timer);
    this.words = "";
    if (wanted.length < SHORTEST) {
      this.stop();
      this.#show("", [], []);
      return;
    }
    this.busy = true;
    this.#timer = setTimeout(() => void this.#ask(wanted, mine, performance.now()), ASK_AFTER_MS);
  }

  /** What is on its way is not heard any more. */
  stop(): void {
    this.#asked += 1;
    clearTimeout(this.#timer);
    this.busy = false;
  }

  async #ask(text: string, mine: number, began: number): Promise<void> {
    const answer = await this.#asker.request({ request: "find_people", text });
    if (mine !== this.#asked) return;
    if (answer.answer !== "found") {
      this.#show(text, [], []);
      this.words = answer.answer === "failed" ? answer.message : "Nobody can be searched for here.";
      this.busy = false;
      return;
    }
    this.#show(text, answer.people, answer.sources);
    this.busy = answer.sources.some(({ state }) => state === "asking") && performance.now() - began < GIVE_UP_AFTER_MS;
    if (this.busy) this.#timer = setTimeout(() => void this.#ask(text, mine, began), AGAIN_AFTER_MS);
  }

  #show(text: string, people: Person[], sources: SourceReport[]): void {
    this.foundFor = text;
    this.people = people;
    this.sources = sources;
  }
}
