// Who is signed in at this browser: a token under a key with the origin, never in the address bar and never a cookie.

export class Session {
  /** Why one was signed out, in a sentence. */
  words = $state("");
  #token = $state.raw<string>();
  #storage: Storage;
  #key: string;

  constructor(storage: Storage, origin: string) {
    this.#storage = storage;
    this.#key = `sidetone token of ${origin}`;
    this.look();
  }

  get token(): string | undefined {
    return this.#token;
  }

  /** Another tab may have signed in or out. */
  look(): void {
    try {
      this.#token = this.#storage.getItem(this.#key) ?? undefined;
    } catch {
      // Storage is forbidden here: signed in until the tab closes.
    }
  }

  begin(token: string): void {
    this.words = "";
    this.#token = token;
    try {
      this.#storage.setItem(this.#key, token);
    } catch {
      // As above.
    }
  }

  end(words = ""): void {
    this.words = words;
    this.#token = undefined;
    try {
      this.#storage.removeItem(this.#key);
    } catch {
      // As above.
    }
  }
}
