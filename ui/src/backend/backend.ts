// What the windows know of their host: nothing but this.
import type { Change } from "../types/Change";
import type { Reply } from "../types/Reply";
import type { Request } from "../types/Request";
import type { Snapshot } from "../types/Snapshot";

/** Something new to show; `receivedAt`: when it reached this program, Unix microseconds. */
export type News = { receivedAt: number } & (
  { message: "snapshot"; snapshot: Snapshot } | { message: "change"; seq: number; change: Change }
);

/** What a window has laid out; the host sizes the window by it and shows it. */
export interface Painted {
  /** Height of the content in CSS pixels. */
  height: number;
  /** The calls whose cards are now visible; only the card window has any. */
  calls: string[];
  /** `receivedAt` of the news that brought them. */
  receivedAt: number;
}

export interface Backend {
  request(request: Request): Promise<Reply>;
  /** First a snapshot, then every change, in order. */
  subscribe(onNews: (news: News) => void): void;
  painted(painted: Painted): Promise<void>;
  /** A person has clicked into the card: from now on it may have the keyboard. */
  takeKeyboard(): Promise<void>;
}
