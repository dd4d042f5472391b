// What the panel knows of whoever brings it the server's facts: a browser, a program, a test.
import { getContext } from "svelte";
import type { Asker } from "../people/asker";
import type { Answer } from "../wire/Answer";
import type { ErrorCode } from "../wire/ErrorCode";
import type { Interest } from "../wire/Interest";
import type { Request } from "../wire/Request";
import { Facts } from "./facts.svelte";

/** How the line to the server stands. */
export type LineStatus =
  | { line: "connecting"; words: string }
  | { line: "up"; server: string }
  /** Tried again by itself, at this time of this computer's clock. */
  | { line: "away"; words: string; retryAt: number }
  /** Needs a person: signed out, or another version. */
  | { line: "ended"; words: string };

export interface Line extends Asker {
  readonly facts: Facts;
  readonly status: LineStatus;
  /** Always answers. The same `id` again is the same wish; without one it is a wish of its own. */
  request(request: Request, id?: string): Promise<Answer>;
  /** From now on these facts besides one's own. */
  follow(interest: Interest): void;
}

/** The parts of a line that every host has. */
export class Standing {
  readonly facts = new Facts();
  status = $state.raw<LineStatus>({ line: "connecting", words: "Connecting to the server." });
}

/** Lamps, queues, parked and missed calls: all that there are. */
export const EVERYTHING: Interest = { extensions: "all", queues: "all", parked: true, missed: true };
export const ONLY_MINE: Interest = { extensions: "none", queues: "none", parked: false, missed: false };

export function failed(code: ErrorCode, message: string): Answer {
  return { answer: "failed", code, message };
}

const KEY = Symbol("line");

/** What a component that uses `useLine` is mounted with. */
export function withLine(line: Line): Map<symbol, unknown> {
  return new Map([[KEY, line]]);
}

export function useLine(): Line {
  return getContext<Line>(KEY);
}

/** Why nothing can be asked of the phone system just now; `undefined`: it can. */
export function whyNotNow(line: Line): string | undefined {
  const { status, facts } = line;
  if (status.line !== "up") return status.words;
  if (!facts.known) return "Waiting for the server's first word.";
  const pbx = facts.me?.pbx;
  const its = pbx == null ? undefined : facts.pbxs.get(pbx);
  return its === undefined || its.line === "up" ? undefined : its.words;
}

/** Why one's own phone cannot be rung just now. */
export function whyNoCall(line: Line): string | undefined {
  const trouble = whyNotNow(line);
  if (trouble) return trouble;
  const { me, phone } = line.facts;
  if (me?.extension == null) return "You have no phone of your own here.";
  if (!me.rights.dial) return "You may not make calls from here.";
  return phone?.registered === false ? "Your phone is not registered." : undefined;
}

/** Why the phone system does not do this here: an order's name as in the protocol. */
export function lacking(line: Line, order: string): string | undefined {
  return line.facts.me?.rights.lacking.find(([name]) => name === order)?.[1];
}
