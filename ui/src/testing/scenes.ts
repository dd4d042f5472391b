// States to look at in a browser: `npm run dev`, then `card.html?scene=several`.
import { FakeBackend } from "../backend/fake";
import type { Card } from "../types/Card";
import type { State } from "../types/State";
import { connected, crmAnswers, findings, ivanov, ivanova, kinds, lovelace } from "./crm";
import { firm } from "./firm";
import { ada, card, confirm, dial, HOSTILE, recent, settings, state } from "./samples";
import { asking, failing, found, somebody } from "./people";

const hour = 3_600_000;

const scenes: Record<string, () => State> = {
  empty: () => state(),
  ringing: () => state({ cards: [card()] }),
  cards: () =>
    state({
      cards: [
        card({
          call: "1",
          phase: "answered_elsewhere",
          by: "102",
          party: { number: "+44 20 7946 0991", name: null },
          can_hang_up: false,
        } as never),
        card({
          call: "2",
          phase: "missed",
          party: { number: "+7 906 219-50-47", name: null },
          people: { found: "nobody" },
          can_hang_up: false,
          since: Date.now() - hour,
        } as never),
        card({
          call: "3",
          phase: "talking",
          talking_since: Date.now() - 221_000,
          since: Date.now() - 230_000,
        } as never),
        card({
          call: "4",
          line: null,
          party: { number: "+49 30 9018 2200", name: null },
          people: {
            found: "several",
            people: [
              somebody({ name: "Иван Иванов", company: "ООО Ромашка", source: "contacts.vcf" }),
              somebody({ name: "Мария Иванова", source: "contacts.vcf" }),
            ],
          },
          since: Date.now() - 6000,
        }),
      ],
    }),
  crm: () => state({ cards: [crmCard({})] }),
  chosen: () =>
    state({
      cards: [crmCard({ remembered: { by: "Anna Petrova", at: Date.now() - 9 * hour, line: null } })],
    }),
  asking: () =>
    state({
      cards: [crmCard({ people: { found: "asking" }, sources: [asking("Tryton"), found("Contacts", null, 0)] })],
    }),
  late: () => state({ cards: [crmCard({ sources: [found("Tryton", 84), asking("Odoo")] })] }),
  choose: () =>
    state({
      cards: [
        crmCard({
          party: { number: "+7 906 219-50-47", name: null },
          people: { found: "several", people: [ivanov, ivanova] },
          sources: [found("Tryton", 84), found("Contacts", null)],
        }),
      ],
    }),
  unknown: () =>
    state({
      cards: [
        crmCard({
          people: { found: "nobody" },
          sources: [{ ...found("Tryton", 91), state: "nobody" }, asking("Odoo")],
        }),
      ],
      recent: [recent({ person: null })],
    }),
  failing: () =>
    state({
      cards: [
        crmCard({
          sources: [
            found("Tryton", 84),
            failing(
              "Odoo",
              "does not answer (HTTP 500 “Internal Server Error”). Ask whoever runs it; it is tried again.",
            ),
          ],
        }),
        crmCard({
          call: "c2",
          people: { found: "nobody" },
          sources: [failing("Tryton", "refuses the password of “sidetone”. Open settings.")],
        }),
      ],
    }),
  hostile: () =>
    state({
      cards: [
        crmCard({
          people: {
            found: "one",
            person: somebody({
              name: HOSTILE.repeat(500),
              company: HOSTILE,
              source: HOSTILE,
              email: "\u202egnp.exe@example.com",
              url: "javascript:alert(1)",
              facts: [
                { label: HOSTILE, value: HOSTILE.repeat(99), url: "data:text/html,x" },
                { label: "Word", value: "W".repeat(5000), url: "https://example.com/" },
              ],
            }),
          },
          sources: [found(HOSTILE, 1), failing(HOSTILE, HOSTILE.repeat(99))],
        }),
      ],
    }),
  connectors: () => state({ settings: settings({ connectors: { kinds, connected } }) }),
  odd: () =>
    state({
      cards: [
        card({ call: "1", party: { number: null, name: null }, people: { found: "nobody" }, line: null }),
        card({ call: "2", party: { number: "103", name: "Boris Orlov" }, people: { found: "nobody" } }),
        card({ call: "3", party: { number: "+44 20 7946 0958", name: HOSTILE }, people: { found: "nobody" } }),
        card({
          call: "4",
          phase: "unknown",
          words: "The line to the PBX was lost; the call was gone when it came back.",
        } as never),
      ],
    }),
  busy: () =>
    state({
      me: { extension: "101", lamp: "ringing", phone_trouble: null },
      dials: [
        dial({
          id: "d0",
          display: "+39 02 1234 567",
          people: { found: "nobody" },
          step: "ended",
          end: "your_phone_offline",
          words: "Not called: your phone 101 is offline. Check that it is switched on and registered, then try again.",
          can_cancel: false,
        } as never),
        dial(),
      ],
      recent: [
        recent({
          call: "1",
          person: somebody({ name: "Grace Hopper", company: "Support queue" }),
          at: Date.now() - hour,
        }),
        recent({
          call: "2",
          direction: "outgoing",
          outcome: "talked",
          seconds: 372,
          person: somebody({ name: "Karl Weiss", company: "Weiss GmbH" }),
          party: { number: "+49 30 1234567", name: null },
          at: Date.now() - 1.5 * hour,
        } as never),
        recent({
          call: "3",
          outcome: "answered_elsewhere",
          by: "103",
          person: somebody({ name: "Мария Иванова", company: "ООО Ромашка" }),
          at: Date.now() - 2 * hour,
        } as never),
        recent({
          call: "4",
          outcome: "talked",
          seconds: 40,
          person: null,
          party: { number: "+1 212 555 0100", name: null },
          at: Date.now() - 26 * hour,
        } as never),
        recent({
          call: "5",
          outcome: "missed",
          person: null,
          party: { number: null, name: null },
          call_back: null,
          at: Date.now() - 27 * hour,
        }),
        recent({
          call: "6",
          direction: "outgoing",
          outcome: "not_reached",
          words: "Busy.",
          at: Date.now() - 50 * hour,
        } as never),
      ],
    }),
  talking: () =>
    state({
      me: { extension: "101", lamp: "in_call", phone_trouble: null },
      cards: [card({ phase: "talking", talking_since: Date.now() - 61_000 } as never)],
      dials: [dial({ step: "ringing_your_phone", since: Date.now() - 2000, people: { found: "nobody" } } as never)],
    }),
  away: () =>
    state({
      connection: { state: "away", words: "The phone system does not answer.", retry_at: Date.now() + 12_000 },
      me: { extension: "101", lamp: "offline", phone_trouble: null },
      recent: [recent()],
    }),
  fresh: () =>
    state({
      connection: { state: "not_set_up", words: "No phone system is set up yet." },
      me: { extension: "", lamp: "offline", phone_trouble: null },
    }),
  confirm: () => state({ confirm: confirm() }),
  trouble: () =>
    state({
      confirm: confirm({ trouble: "The phone system does not answer; it is tried again in 12 s.", program: null }),
    }),
  refused: () =>
    state({
      confirm: confirm({
        text: "tel:%3Cscript%3E",
        explanation: { verdict: "refused", words: "There is no number in this link.", steps: [] },
      }),
    }),
  settings: () =>
    state({
      settings: settings({ managed: [{ field: "pbx_host", by: "your company (policy.toml)" }] }),
      test: {
        connection: {
          state: "passed",
          words: "Connected to office PBX (Asterisk 20.19.0); the AMI user may originate.",
        },
        phone: { state: "running", words: "" },
        links: { state: "failed", words: "Links are opened by another program." },
      },
    }),
};

/** A caller of whom the CRM knows something. */
function crmCard(over: Partial<Card>): Card {
  return card({
    people: { found: "one", person: lovelace },
    sources: [found("Tryton", 84), found("Contacts", null)],
    ...over,
  });
}

export function scene(name: string | null): FakeBackend {
  const made = (scenes[name ?? "empty"] ?? scenes["empty"]!)();
  const answers = crmAnswers();
  const backend = new FakeBackend(made, (request) => {
    if (request.request === "follow" && request.on) setTimeout(() => backend.facts(firm(), true));
    if (request.request === "wish") return { reply: "answer", value: answers(request.wish) };
    if (request.request === "test_connector") return { reply: "findings", value: { findings } };
    if (request.request !== "explain") return { reply: "done" };
    const dials = request.text.replace(/[^0-9*#]/g, "");
    if (dials === "")
      return {
        reply: "explanation",
        value: { verdict: "refused", words: "There is no number in this text.", steps: [] },
      };
    return {
      reply: "explanation",
      value: {
        verdict: "dials",
        kind: dials.length < 5 ? "internal" : "national",
        display: request.text,
        dials: dials.length < 5 ? dials : `9${dials}`,
        steps: [
          { what: "typed", result: request.text },
          { what: "outside line “9”", result: `9${dials}` },
        ],
        question: null,
        people: dials.endsWith("0958") ? ada : { found: "nobody" },
      },
    };
  });
  if (name === "asking") {
    const later = (value: Card, ms: number) => setTimeout(() => backend.change({ part: "cards", value: [value] }), ms);
    later(crmCard({ sources: [found("Tryton", 84), asking("Odoo")] }), 2000);
    later(
      crmCard({ sources: [found("Tryton", 84), failing("Odoo", "does not answer (HTTP 500). It is tried again.")] }),
      3000,
    );
  }
  return backend;
}
