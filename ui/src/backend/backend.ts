// What the windows know of their host: nothing but this.
import type { Change } from "../types/Change";
import type { Reply } from "../types/Reply";
import type { Request } from "../types/Request";
import type { Snapshot } from "../types/Snapshot";
import type { Fact } from "../wire/Fact";

/** Something new to show; `receivedAt`: when it reached this program, Unix microseconds. */
export type News = { receivedAt: number } & (
  | { message: "snapshot"; snapshot: Snapshot }
  | { message: "change"; seq: number; change: Change }
  | { message: "facts"; from_nothing: boolean; facts: Fact[] }
);

/** What a window has laid out; the host sizes the window by it and shows it. */
export interface LaidOut {
  /** Height of the content in CSS pixels; 0: the window keeps its size. */
  height: number;
  /** There is nothing to show. */
  empty: boolean;
}

/** What can be seen on the card. */
export interface Painted {
  calls: string[];
  /** `receivedAt` of the news that brought them. */
  receivedAt: number;
}

export interface Backend {
  request(request: Request): Promise<Reply>;
  /** First a snapshot, then every change, in order. */
  subscribe(onNews: (news: News) => void): void;
  laidOut(what: LaidOut): Promise<void>;
  painted(what: Painted): Promise<void>;
  /** A person has clicked into the card: from now on it may have the keyboard. */
  takeKeyboard(): Promise<void>;
}
