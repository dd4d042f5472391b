// What the browser pages know of their host: REST, the line, and who is signed in.
import { getContext } from "svelte";
import type { Line } from "../presence/line.svelte";
import type { Client } from "../wire/Client";
import type { Enrolled } from "../wire/Enrolled";
import type { Failure } from "../wire/Failure";
import type { Interest } from "../wire/Interest";

/** A failure of REST with the server's sentence, or with one of ours where it sent none. */
export class Failed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Parameters; `null`, `undefined` and "" are left out. */
export type Query = Record<string, string | number | null | undefined>;

/** Paths are below `/api/v1`. Every one of them throws `Failed` and nothing else. */
export interface Rest {
  get<T>(path: string, query?: Query): Promise<T>;
  /** `patience`: how long the server may take, in milliseconds; otherwise as long as for anything. */
  post<T>(path: string, body?: unknown, patience?: number): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  delete(path: string): Promise<void>;
  /** Hands a file to the browser's downloads. */
  download(path: string, name: string, query?: Query): Promise<void>;
}

export interface Host {
  readonly rest: Rest;
  readonly client: Client;
  /** There is a token; turns false when the server does not know it any more. */
  readonly signedIn: boolean;
  /** Why one was signed out, in a sentence; empty: nobody was. */
  readonly signedOutWords: string;
  /** A word for this device that a person would recognise. */
  readonly deviceName: string;
  /** `code` of `#enrol=code` and the like, taken out of the address bar at once. */
  takeFragment(name: string): string | undefined;
  signIn(enrolled: Enrolled): void;
  signOut(words?: string): void;
  /** The line of who is signed in, opened at the first call. */
  line(interest: Interest): Line;
  goTo(path: string): void;
  /** A page of somebody else's beside this one; to be called while a click is handled, or the browser keeps it shut. */
  openBeside(): Beside;
}

/** An empty page that waits for its address. */
export interface Beside {
  goTo(url: string): void;
  close(): void;
}

const KEY = Symbol("host");

export function withHost(host: Host): Map<symbol, unknown> {
  return new Map([[KEY, host]]);
}

export function useHost(): Host {
  return getContext<Host>(KEY);
}

/** The sentence of anything that was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : "Something went wrong in this page. Reload it.";
}
