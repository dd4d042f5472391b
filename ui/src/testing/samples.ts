// Made-up state for tests and pictures. Numbers are from the ranges reserved for fiction.
import type { Card } from "../types/Card";
import type { Confirm } from "../types/Confirm";
import type { Dial } from "../types/Dial";
import type { People } from "../wire/People";
import type { Recent } from "../types/Recent";
import type { SettingsView } from "../types/SettingsView";
import type { State } from "../types/State";
import { found, somebody } from "./people";

export const ada: People = {
  found: "one",
  person: somebody({ name: "Ada Lovelace", company: "Analytical Engines Ltd", source: "contacts.vcf" }),
};

/** A caller name as an attacker would choose it. */
export const HOSTILE = `<img src=x onerror="alert(1)"><script>alert(2)</script>{@html x}`;

export function card(over: Partial<Card> = {}): Card {
  return {
    call: "c1",
    phase: "ringing",
    party: { number: "+44 20 7946 0958", name: null },
    people: ada,
    sources: [found("contacts.vcf", null)],
    remembered: null,
    line: "Sales line",
    extension: "101",
    since: Date.now() - 24_000,
    can_hang_up: true,
    ...over,
  } as Card;
}

export function dial(over: Partial<Dial> = {}): Dial {
  return {
    id: "d1",
    display: "+44 20 7946 0958",
    dials: "02079460958",
    people: ada,
    step: "ringing_there",
    since: Date.now() - 4_000,
    reached: [],
    can_cancel: true,
    ...over,
  } as Dial;
}

export function recent(over: Partial<Recent> = {}): Recent {
  return {
    call: "r1",
    direction: "incoming",
    party: { number: "+44 20 7946 0958", name: null },
    person: ada.found === "one" ? ada.person : null,
    line: null,
    at: Date.now() - 60_000,
    outcome: "missed",
    call_back: "+442079460958",
    ...over,
  } as Recent;
}

export function confirm(over: Partial<Confirm> = {}): Confirm {
  return {
    id: "q1",
    program: "Chromium",
    text: "tel:+44-20-7946-0958",
    explanation: {
      verdict: "dials",
      kind: "national",
      display: "+44 20 7946 0958",
      dials: "902079460958",
      steps: [
        { what: "link", result: "+44-20-7946-0958" },
        { what: "read as a number of the United Kingdom", result: "+442079460958" },
        { what: "sent as dialled in the country", result: "02079460958" },
        { what: "outside line “9”", result: "902079460958" },
      ],
      question: null,
      people: ada,
    },
    from_extension: "101",
    trouble: null,
    ...over,
  };
}

export function settings(over: Partial<SettingsView> = {}): SettingsView {
  return {
    settings: {
      server: { address: "", device: "", tls: { kind: "system" } },
      pbx_host: "pbx.example.com",
      pbx_port: 5039,
      tls: { kind: "system" },
      user: "sidetone",
      extension: "101",
      channel: "",
      context: "from-internal",
      placing: {
        through: "",
        show_callee: true,
        caller_id: "",
        auto_answer: "off",
        account: "",
        early_media: false,
        ring_seconds: 40,
        variables: [],
      },
      dial_plan: {
        country: "GB",
        outside_prefix: "9",
        internal_min: 3,
        internal_max: 3,
        send_as: "national",
        international_prefix: "",
      },
      contacts_file: "/home/anna/contacts.vcf",
      connectors: [],
      charset: "",
      keep_windows: "likely",
      confirm_links: true,
      trusted_programs: ["Chromium"],
    },
    secret: { secret: "stored" },
    managed: [],
    countries: [
      { code: "DE", calling_code: "+49" },
      { code: "GB", calling_code: "+44" },
      { code: "RU", calling_code: "+7" },
    ],
    phones: [
      { name: "other", label: "Another phone" },
      { name: "yealink", label: "Yealink" },
    ],
    contacts: "3 people, 1 entry skipped: line 12 has no end",
    connectors: { kinds: [], connected: [] },
    ...over,
  };
}

export function state(over: Partial<State> = {}): State {
  return {
    connection: {
      state: "connected",
      pbx: "office PBX",
      version: "Asterisk 20.19.0",
      lag_ms: 4,
      since: Date.now() - 3_600_000,
    },
    me: { extension: "101", lamp: "idle", phone_trouble: null },
    cards: [],
    dials: [],
    recent: [],
    confirm: null,
    server: null,
    enrolment: null,
    settings: settings(),
    test: null,
    ...over,
  };
}
