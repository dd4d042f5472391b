// What the server says, by kind and key. Each fact has a cell of its own, so that a changed lamp draws one tile again.
import { now } from "../clock";
import type { Call } from "../wire/Call";
import type { Dial } from "../wire/Dial";
import type { Extension } from "../wire/Extension";
import type { Fact } from "../wire/Fact";
import type { Me } from "../wire/Me";
import type { MissedCall } from "../wire/MissedCall";
import type { Parked } from "../wire/Parked";
import type { PbxLine } from "../wire/PbxLine";
import type { Phone } from "../wire/Phone";
import type { Queue } from "../wire/Queue";

/** One fact that can be watched; `undefined`: it is gone. */
class Cell<T> {
  value = $state.raw<T>();

  constructor(value: T) {
    this.value = value;
  }
}

/**
 * The facts of one kind. Who reads `get` is told of that key alone; who reads `keys` is told when one comes, goes, or
 * when what the order depends on (`place`) is another.
 */
export class Table<T> {
  #cells = new Map<string, Cell<T>>();
  #members = $state(0);
  #place: (value: T) => string;

  constructor(place: (value: T) => string = () => "") {
    this.#place = place;
  }

  get(key: string): T | undefined {
    const cell = this.#cells.get(key);
    if (cell) return cell.value;
    // It may come.
    void this.#members;
    return undefined;
  }

  keys(): string[] {
    void this.#members;
    return [...this.#cells.keys()];
  }

  values(): T[] {
    void this.#members;
    return [...this.#cells.values()].flatMap((cell) => (cell.value === undefined ? [] : [cell.value]));
  }

  set(key: string, value: T | null): void {
    const cell = this.#cells.get(key);
    if (value === null) {
      if (!cell) return;
      cell.value = undefined;
      this.#cells.delete(key);
      this.#members += 1;
    } else if (cell?.value === undefined) {
      this.#cells.set(key, new Cell(value));
      this.#members += 1;
    } else {
      const moved = this.#place(cell.value) !== this.#place(value);
      cell.value = value;
      if (moved) this.#members += 1;
    }
  }

  /** These and no others. What is as it was is not told again: after a gap only what differs is drawn. */
  replace(facts: Map<string, T>): void {
    for (const key of this.#cells.keys()) if (!facts.has(key)) this.set(key, null);
    for (const [key, value] of facts) {
      const cell = this.#cells.get(key);
      if (!cell || JSON.stringify(cell.value) !== JSON.stringify(value)) this.set(key, value);
    }
  }
}

/** The tables by kind of fact. */
function tables() {
  return {
    pbx: new Table<PbxLine>((line) => line.line),
    call: new Table<Call>(),
    dial: new Table<Dial>(),
    extension: new Table<Extension>(({ name, groups }) => JSON.stringify([name, groups])),
    queue: new Table<Queue>(),
    parked: new Table<Parked>(),
    missed: new Table<MissedCall>(({ last_at, closed_at }) => `${last_at} ${closed_at}`),
  };
}

type Tables = ReturnType<typeof tables>;

export class Facts {
  /** `undefined` until the first snapshot. */
  me = $state.raw<Me>();
  phone = $state.raw<Phone>();
  /** Whether there ever was a snapshot. */
  known = $state(false);
  /** How far the server's clock is ahead of this one, in milliseconds. */
  #ahead = $state(0);
  readonly #tables: Tables = tables();

  get pbxs(): Tables["pbx"] {
    return this.#tables.pbx;
  }
  get calls(): Tables["call"] {
    return this.#tables.call;
  }
  get dials(): Tables["dial"] {
    return this.#tables.dial;
  }
  get extensions(): Tables["extension"] {
    return this.#tables.extension;
  }
  get queues(): Tables["queue"] {
    return this.#tables.queue;
  }
  get parked(): Tables["parked"] {
    return this.#tables.parked;
  }
  get missed(): Tables["missed"] {
    return this.#tables.missed;
  }

  /** The server's Unix milliseconds; whoever reads it in a template is drawn again each second. */
  now(): number {
    return now() + this.#ahead;
  }

  /** The server says what time it is; below a second it is the way that took the time. */
  serverClock(at: number): void {
    const ahead = at - Date.now();
    this.#ahead = Math.abs(ahead) < 1000 ? 0 : ahead;
  }

  /** Everything that there is; what was known before is void. */
  snapshot(facts: Fact[]): void {
    const byKind = new Map<keyof Tables, Map<string, unknown>>();
    for (const kind of Object.keys(this.#tables) as (keyof Tables)[]) byKind.set(kind, new Map());
    for (const fact of facts) {
      if (fact.fact === "me" || fact.fact === "phone") this.#apply(fact);
      else if (fact.value !== null) byKind.get(fact.fact)?.set(fact.key, fact.value);
    }
    for (const [kind, values] of byKind) (this.#tables[kind] as Table<unknown>).replace(values);
    this.known = true;
  }

  changes(facts: Fact[]): void {
    for (const fact of facts) this.#apply(fact);
  }

  #apply(fact: Fact): void {
    switch (fact.fact) {
      case "me":
        this.me = fact.value;
        return;
      case "phone":
        this.phone = fact.value;
        return;
      case "pbx":
      case "call":
      case "dial":
      case "extension":
      case "queue":
      case "parked":
      case "missed":
        (this.#tables[fact.fact] as Table<unknown>).set(fact.key, fact.value);
    }
  }
}
