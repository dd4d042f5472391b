// How an extension stands, in a shape and in words.
import type { Call } from "../wire/Call";
import type { Extension } from "../wire/Extension";
import type { LampCall } from "../wire/LampCall";
import type { Party } from "../wire/Party";
import type { People } from "../wire/People";

/** A shape of its own for each, so that nobody has to tell colours apart. */
export type Shape =
  "idle" | "ringing" | "talking" | "talking_ringing" | "busy" | "held" | "offline" | "unknown" | "disturb" | "away";

export interface Standing {
  shape: Shape;
  words: string;
  /** A clock runs since then, Unix milliseconds of the server. */
  since?: number;
}

export function partyName({ name, number }: Party): string | undefined {
  return name || number || undefined;
}

/** How somebody stands, most pressing first: ringing, talking, then what he chose to be. */
export function standing(extension: Extension): Standing {
  if (!extension.certain) return { shape: "unknown", words: "not known just now" };
  const ringing = extension.calls.find((call) => call.state === "ringing");
  const other = extension.calls.find((call) => call.state !== "ringing");
  switch (extension.lamp) {
    case "ringing":
      return ringing ? withCall("ringing", ringing) : { shape: "ringing", words: "ringing", since: extension.since };
    case "in_use_ringing":
      return { ...inUse(extension, other), shape: "talking_ringing", words: bothWords(ringing, other) };
    case "in_use":
      return inUse(extension, other);
    case "busy":
      return { ...inUse(extension, other), shape: "busy", words: other ? callWords(other) : "busy" };
    case "on_hold":
      return { ...inUse(extension, other), shape: "held", words: other ? callWords(other) : "on hold" };
    case "unavailable":
      return { shape: "offline", words: "phone not registered" };
    case "unknown":
      return { shape: "unknown", words: "state not known" };
    case "idle":
      return chosen(extension);
  }
}

function inUse(extension: Extension, call: LampCall | undefined): Standing {
  if (!call) return { shape: "talking", words: "in a call", since: extension.since };
  return withCall(call.state === "held" ? "held" : "talking", call);
}

function withCall(shape: Shape, call: LampCall): Standing {
  return { shape, words: callWords(call), since: call.since };
}

function bothWords(ringing: LampCall | undefined, other: LampCall | undefined): string {
  const rings = ringing ? callWords(ringing) : "another call rings";
  return `${other ? callWords(other) : "in a call"} · ${rings}`;
}

function callWords(call: LampCall): string {
  const name = partyName(call.party);
  const line = call.line ? ` · ${call.line}` : "";
  switch (call.state) {
    case "ringing":
      return (name ? `ringing: ${name}` : "ringing") + line;
    case "calling":
      return (name ? `calling ${name}` : "calling") + line;
    case "talking":
      return (name ? `talking with ${name}` : "in a call") + line;
    case "held":
      return (name ? `on hold: ${name}` : "on hold") + line;
  }
}

const presences: Record<string, Standing> = {
  dnd: { shape: "disturb", words: "do not disturb" },
  away: { shape: "away", words: "away" },
  xa: { shape: "away", words: "away for long" },
  unavailable: { shape: "away", words: "unavailable" },
  chat: { shape: "idle", words: "free to chat" },
};

/** The phone is idle: then it counts what the person chose. */
function chosen({ do_not_disturb, presence }: Extension): Standing {
  const said = presence?.message ? ` · ${presence.message}` : "";
  const own = presence && Object.hasOwn(presences, presence.status) ? presences[presence.status] : undefined;
  if (do_not_disturb) return { shape: "disturb", words: `do not disturb${said}` };
  return own ? { ...own, words: own.words + said } : { shape: "idle", words: `free${said}` };
}

/** Who is at the other end of one's own call. */
export function callName(call: Pick<Call, "people" | "party">): string {
  return personName(call.people) ?? partyName(call.party) ?? "Number withheld";
}

export function personName(people: People): string | undefined {
  return people.found === "one" ? people.person.name : undefined;
}
