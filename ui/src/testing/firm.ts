// A made-up firm for tests of the panel. Numbers are from the ranges reserved for fiction.
import type { Call } from "../wire/Call";
import type { Dial } from "../wire/Dial";
import type { Extension } from "../wire/Extension";
import type { Fact } from "../wire/Fact";
import type { LampCall } from "../wire/LampCall";
import type { Me } from "../wire/Me";
import type { MissedCall } from "../wire/MissedCall";
import type { Parked } from "../wire/Parked";
import type { Queue } from "../wire/Queue";

export const SINCE = Date.now() - 65_000;

export function me(over: Partial<Me> = {}): Me {
  return {
    user: "u1",
    login: "anna",
    name: "Anna Petrova",
    role: "agent",
    pbx: "main",
    extension: "101",
    rights: {
      dial: true,
      see_calls: true,
      see_numbers: true,
      see_log: false,
      export_log: false,
      administer: false,
      lacking: [],
    },
    dial_plan: null,
    ...over,
  };
}

export function extension(number: string, name: string, over: Partial<Extension> = {}): Fact {
  const value: Extension = {
    extension: number,
    pbx: "main",
    name,
    groups: [],
    lamp: "idle",
    since: SINCE,
    do_not_disturb: null,
    presence: null,
    calls: [],
    certain: true,
    ...over,
  };
  return { fact: "extension", key: `${number}@${value.pbx}`, value };
}

export function lampCall(over: Partial<LampCall> = {}): LampCall {
  return {
    call: "x1",
    direction: "incoming",
    state: "ringing",
    party: { number: "+44 20 7946 0958", name: "Ada Lovelace" },
    line: null,
    since: SINCE,
    ...over,
  };
}

export function call(over: Partial<Call> = {}): Fact {
  const value = {
    id: "c1",
    direction: "incoming",
    internal: false,
    mine: "up",
    state: "talking",
    party: { number: "+44 20 7946 0958", name: "Ada Lovelace" },
    call_back: "+442079460958",
    people: { found: "nobody" },
    sources: [],
    remembered: null,
    line: null,
    since: SINCE,
    answered: SINCE,
    ended: null,
    dial: null,
    event_read_us: 0,
    ...over,
  } as Call;
  return { fact: "call", key: value.id, value };
}

export function dial(over: Record<string, unknown> = {}): Fact {
  const value = {
    id: "d1",
    call: null,
    step: "ringing_there",
    at: SINCE,
    display: "+44 20 7946 0958",
    people: { found: "nobody" },
    asked_us: 0,
    sent_us: null,
    queued_us: null,
    phone_rings_us: null,
    ...over,
  } as Dial;
  return { fact: "dial", key: value.id, value };
}

export function queue(over: Partial<Queue> = {}): Fact {
  const value: Queue = {
    queue: "Sales",
    pbx: "main",
    strategy: null,
    waiting: [{ call: "w1", party: { number: null, name: null }, since: SINCE }],
    members: [
      {
        extension: "101",
        name: "Anna",
        membership: "dynamic",
        paused: false,
        paused_reason: null,
        in_call: false,
        lamp: "idle",
        calls_taken: 0,
      },
      {
        extension: "102",
        name: "Boris",
        membership: "static",
        paused: true,
        paused_reason: null,
        in_call: false,
        lamp: "idle",
        calls_taken: 0,
      },
    ],
    completed: 0,
    abandoned: 0,
    hold_time_s: 0,
    certain: true,
    ...over,
  };
  return { fact: "queue", key: `${value.queue}@main`, value };
}

export function parked(over: Partial<Parked> = {}): Fact {
  const value = {
    lot: "default",
    space: "701",
    pbx: "main",
    call: "p1",
    party: { number: null, name: "Karl Weiss" },
    since: SINCE,
    ...over,
  };
  return { fact: "parked", key: "default/701@main", value };
}

export function missed(over: Partial<MissedCall> = {}): Fact {
  const value: MissedCall = {
    item: "m1",
    pbx: "main",
    party: { number: "+1 212 555 0142", name: "Grace Hopper" },
    call_back: "+12125550142",
    line: "Support",
    first_at: SINCE,
    last_at: SINCE,
    times: 1,
    closed_by: null,
    closed_at: null,
    ...over,
  };
  return { fact: "missed", key: value.item, value };
}

/** Anna at 101 with a line that is up, and these besides. */
export function firm(...facts: Fact[]): Fact[] {
  return [
    { fact: "me", value: me() },
    { fact: "phone", value: { registered: true, in_use: false, ringing: false, busy: false, on_hold: false } },
    { fact: "pbx", key: "main", value: { line: "up", version: "Asterisk 22", lag_ms: 4, since: SINCE } },
    extension("101", "Anna Petrova"),
    ...facts,
  ];
}

/** 1,000 extensions, 1000 to 1999. */
export function thousand(): Fact[] {
  return Array.from({ length: 1000 }, (_, i) => extension(String(1000 + i), `Colleague ${String(i).padStart(3, "0")}`));
}
