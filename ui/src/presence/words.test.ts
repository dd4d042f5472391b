import { expect, test } from "vitest";
import { extension, lampCall } from "../testing/firm";
import type { Extension } from "../wire/Extension";
import { standing } from "./words";

test.each<[string, Partial<Extension>, string]>([
  ["idle", {}, "free"],
  ["idle", { presence: { status: "away", message: "lunch" } }, "away · lunch"],
  ["idle", { presence: { status: "constructor", message: null } }, "free"],
  ["idle", { do_not_disturb: true }, "do not disturb"],
  ["ringing", { calls: [lampCall({ line: "Sales" })] }, "ringing: Ada Lovelace · Sales"],
  ["ringing", {}, "ringing"],
  ["in_use", { calls: [lampCall({ state: "talking" })] }, "talking with Ada Lovelace"],
  ["in_use", { calls: [lampCall({ state: "talking", party: { number: null, name: null } })] }, "in a call"],
  ["in_use", { calls: [lampCall({ state: "calling", direction: "outgoing" })] }, "calling Ada Lovelace"],
  ["in_use", {}, "in a call"],
  [
    "in_use_ringing",
    { calls: [lampCall({ party: { number: "+7…67", name: null } }), lampCall({ state: "talking" })] },
    "talking with Ada Lovelace · ringing: +7…67",
  ],
  ["busy", {}, "busy"],
  ["on_hold", { calls: [lampCall({ state: "held" })] }, "on hold: Ada Lovelace"],
  ["unavailable", {}, "phone not registered"],
  ["unknown", {}, "state not known"],
])("a_lamp_that_is_%s_reads_as_a_person_says_it_%#", (lamp, over, words) => {
  expect(standing(value({ ...over, lamp: lamp as Extension["lamp"] })).words).toBe(words);
});

test("what_nobody_knows_is_not_called_free", () => {
  expect(standing(value({ certain: false }))).toEqual({ shape: "unknown", words: "not known just now" });
});

test("every_state_has_a_shape_of_its_own", () => {
  const states: Partial<Extension>[] = [
    { lamp: "idle" },
    { lamp: "ringing" },
    { lamp: "in_use" },
    { lamp: "in_use_ringing" },
    { lamp: "busy" },
    { lamp: "on_hold" },
    { lamp: "unavailable" },
    { lamp: "unknown" },
    { do_not_disturb: true },
    { presence: { status: "away", message: null } },
  ];
  expect(new Set(states.map((state) => standing(value(state)).shape)).size).toBe(states.length);
});

function value(over: Partial<Extension>): Extension {
  const fact = extension("102", "Boris", over);
  if (fact.fact !== "extension" || !fact.value) throw new Error("no extension");
  return fact.value;
}
