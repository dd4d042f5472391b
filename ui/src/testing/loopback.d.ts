import type { ClientMessage } from "../wire/ClientMessage";
import type { ServerMessage } from "../wire/ServerMessage";

/** The server's end of one line. */
export interface Arrival {
  url: string;
  /** The next message of the client. */
  next(): Promise<ClientMessage>;
  say(message: ServerMessage): void;
  babble(text: string): void;
  close(): void;
  closed: Promise<unknown>;
}

export interface Loopback {
  /** With a slash at its end. */
  base: string;
  /** What was asked by HTTP, oldest first. */
  rest: { method: string; url: string; authorization: string | undefined; body: string }[];
  /** The next client that connects. */
  arrival(): Promise<Arrival>;
  close(): void;
}

export interface HttpAnswer {
  status?: number;
  type?: string;
  text?: string;
}

/** Takes the place of jsdom's, which cannot connect under the tests' conditions. */
export const RealWebSocket: typeof WebSocket;

export function loopback(handle?: (method: string, url: string) => HttpAnswer | undefined): Promise<Loopback>;
