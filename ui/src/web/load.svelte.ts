// Something asked of the server, as a page shows it: what came, or the sentence why not.
import { wordsOf } from "./host";

export class Load<T> {
  value = $state.raw<T>();
  /** Why the last question was not answered. */
  words = $state("");
  busy = $state(false);
  #ask: () => Promise<T>;

  /** Asks at once. */
  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
    void this.again();
  }

  async again(): Promise<void> {
    this.busy = true;
    try {
      this.value = await this.#ask();
      this.words = "";
    } catch (error) {
      this.words = wordsOf(error);
    } finally {
      this.busy = false;
    }
  }
}

/** Something done on the server: busy while it is on its way, then done or a sentence. */
export class Deed {
  words = $state("");
  busy = $state(false);

  /** `undefined`: it was not done, and `words` say why. A second click while it is on its way does nothing. */
  async try<T>(what: () => Promise<T>): Promise<{ done: T } | undefined> {
    if (this.busy) return undefined;
    this.busy = true;
    this.words = "";
    try {
      return { done: await what() };
    } catch (error) {
      this.words = wordsOf(error);
      return undefined;
    } finally {
      this.busy = false;
    }
  }
}
