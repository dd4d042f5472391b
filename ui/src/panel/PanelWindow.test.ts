import { screen, waitFor, within } from "@testing-library/svelte";
import { flushSync } from "svelte";
import { expect, test } from "vitest";
import { ada, card, dial, HOSTILE, recent, state } from "../testing/samples";
import { extension, firm } from "../testing/firm";
import { expectAccessible, expectNothingInjected, open } from "../testing/open";
import type { Explanation } from "../types/Explanation";
import type { Reply } from "../types/Reply";
import type { Request } from "../types/Request";
import PanelWindow from "./PanelWindow.svelte";
import { crmAnswers, ivanov, lovelace } from "../testing/crm";
import { somebody } from "../testing/people";

const field = () => screen.getByRole("textbox", { name: "Number to call" });

function dials(number: string, over: Partial<Extract<Explanation, { verdict: "dials" }>> = {}): Reply {
  const value: Explanation = {
    verdict: "dials",
    kind: "national",
    display: number,
    dials: `9${number}`,
    steps: [{ what: "outside line “9”", result: `9${number}` }],
    question: null,
    people: { found: "nobody" },
    ...over,
  };
  return { reply: "explanation", value };
}

const explains = (request: Request): Reply =>
  request.request === "explain" ? dials(request.text) : { reply: "dialling", value: { dial: "d9" } };

test("the_number_field_says_what_it_would_dial_and_why", async () => {
  const { user, backend } = open(PanelWindow, state(), explains);
  await user.type(field(), "020");
  await screen.findByText("9020");
  // One question for three quick letters.
  expect(backend.asked("explain").map((r) => r.text)).toEqual(["020"]);
  await user.click(screen.getByRole("button", { name: "Why?" }));
  expect(within(screen.getByRole("list", { name: /came about/ })).getByText("outside line “9”")).toBeTruthy();
  await expectAccessible();
});

test("an_answer_to_what_stood_there_before_is_not_shown", async () => {
  const late: ((reply: Reply) => void)[] = [];
  const { user, backend } = open(PanelWindow, state(), () => new Promise((resolve) => late.push(resolve)));
  await user.type(field(), "1");
  await waitFor(() => expect(backend.asked("explain")).toHaveLength(1));
  await user.type(field(), "2");
  await waitFor(() => expect(backend.asked("explain")).toHaveLength(2));
  late[1]!(dials("12"));
  await screen.findByText("912");
  late[0]!(dials("1"));
  await Promise.resolve();
  expect(screen.queryByText("91")).toBeNull();
  expect(screen.getByText("912")).toBeTruthy();
});

test("two_enters_dial_once", async () => {
  const { user, backend } = open(PanelWindow, state(), explains);
  await user.type(field(), "102{Enter}{Enter}");
  await waitFor(() => expect(field()).toHaveProperty("value", ""));
  const asked = backend.asked("dial");
  expect(new Set(asked.map((r) => r.request_id)).size).toBe(1);
  expect(asked[0]).toMatchObject({ text: "102", source: { kind: "typed" } });
});

test("a_double_click_on_a_recent_call_is_one_wish", async () => {
  const { user, backend } = open(PanelWindow, state({ recent: [recent()] }), explains);
  await user.dblClick(screen.getByRole("button", { name: "Call Ada Lovelace" }));
  expect(new Set(backend.asked("dial").map((r) => r.request_id)).size).toBe(1);
  expect(backend.asked("dial")[0]!.text).toBe("+442079460958");
});

test("a_refusal_is_a_sentence_and_the_next_try_a_new_wish", async () => {
  const { user, backend } = open(PanelWindow, state(), (request) =>
    request.request === "dial"
      ? { reply: "refused", value: { code: "too_many", words: "Too many calls at once." } }
      : explains(request),
  );
  await user.type(field(), "102{Enter}");
  await screen.findByText("Too many calls at once.");
  await user.type(field(), "{Enter}");
  await waitFor(() => expect(backend.asked("dial")).toHaveLength(2));
  expect(new Set(backend.asked("dial").map((r) => r.request_id)).size).toBe(2);
});

test("text_without_a_number_gets_a_sentence", async () => {
  const { user } = open(PanelWindow, state(), () => ({
    reply: "explanation",
    value: { verdict: "refused", words: "There is no number in this text.", steps: [] },
  }));
  await user.type(field(), "hello");
  await screen.findByText("There is no number in this text.");
  expect(field().getAttribute("aria-invalid")).toBe("true");
});

test.each([
  ["queued", "asking the PBX"],
  ["ringing_your_phone", "your phone"],
  ["you_picked_up", "picked up"],
  ["calling", "calling"],
  ["ringing_there", "ringing"],
  ["answered", "answered"],
] as const)("progress_stands_at_the_step_that_the_pbx_reported_%s", async (step, words) => {
  open(PanelWindow, state({ dials: [dial({ step } as never)] }));
  const marks = within(screen.getByRole("list", { name: "Progress" })).getAllByRole("listitem");
  const here = marks.filter((mark) => mark.getAttribute("aria-current") === "step");
  expect(here.map((mark) => mark.textContent?.trim().startsWith(words))).toEqual([true]);
  await expectAccessible();
});

test("a_running_call_can_be_cancelled_and_an_ended_one_says_why", async () => {
  const { user, backend, change } = open(PanelWindow, state({ dials: [dial()] }));
  await user.click(screen.getByRole("button", { name: "Cancel Ada Lovelace" }));
  expect(backend.asked("cancel").map((r) => r.dial)).toEqual(["d1"]);
  change({ part: "dials", value: [dial({ step: "ended", end: "busy", words: "Busy.", can_cancel: false } as never)] });
  expect(screen.getByText("Busy.")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Dismiss Ada Lovelace" }));
  expect(backend.asked("forget_dial").map((r) => r.dial)).toEqual(["d1"]);
});

test("letters_with_alt_work_while_the_field_has_the_focus", async () => {
  const { user, backend } = open(PanelWindow, state({ cards: [card({ call: "c7" })], dials: [dial()] }));
  await user.click(field());
  await user.keyboard("{Alt>}h{/Alt}{Alt>}a{/Alt}");
  expect(backend.asked("hang_up").map((r) => r.call)).toEqual(["c7"]);
  expect(backend.asked("cancel").map((r) => r.dial)).toEqual(["d1"]);
  expect(field()).toHaveProperty("value", "");
});

test("offline_greys_what_dials_with_reason_and_time_of_the_next_try", async () => {
  const words = "The phone system does not answer.";
  const { user, backend } = open(
    PanelWindow,
    state({ connection: { state: "away", words, retry_at: Date.now() + 12_000 }, recent: [recent()] }),
    explains,
  );
  expect(screen.getByText(words)).toBeTruthy();
  expect(screen.getByText(/Tries again in 0:1[12]/)).toBeTruthy();
  const call = screen.getByRole("button", { name: "Call Ada Lovelace" });
  expect(call.getAttribute("aria-disabled")).toBe("true");
  expect(call.title).toBe(words);
  await user.click(call);
  await user.type(field(), "102{Enter}");
  expect(backend.asked("dial")).toEqual([]);
  await expectAccessible();
});

test("who_has_nothing_set_up_is_led_to_the_settings", async () => {
  const { user, backend } = open(
    PanelWindow,
    state({ connection: { state: "not_set_up", words: "No phone system is set up yet." } }),
  );
  await user.click(screen.getByRole("button", { name: "Open settings" }));
  expect(backend.asked("show").map((r) => r.window)).toEqual(["settings"]);
});

test("missed_is_said_in_words_and_a_withheld_number_cannot_be_called_back", async () => {
  open(
    PanelWindow,
    state({ recent: [recent({ person: null, party: { number: null, name: null }, call_back: null })] }),
  );
  const row = within(screen.getByRole("list", { name: /Calls:/ })).getByRole("listitem");
  expect(row.textContent).toContain("missed");
  expect(row.textContent).toContain("Number withheld");
  expect(within(row).queryByRole("button", { name: /^Call/ })).toBeNull();
  await expectAccessible();
});

test("escape_empties_the_field_first_and_then_closes", async () => {
  const { user, backend } = open(PanelWindow, state(), explains);
  await user.type(field(), "102{Escape}");
  expect(field()).toHaveProperty("value", "");
  expect(backend.asked("closed")).toEqual([]);
  await user.keyboard("{Escape}");
  expect(backend.asked("closed").map((r) => r.window)).toEqual(["panel"]);
});

test("hostile_texts_stay_texts", async () => {
  const person = somebody({ name: HOSTILE, company: HOSTILE, note: HOSTILE, source: HOSTILE });
  const party = { number: HOSTILE, name: HOSTILE };
  const { user } = open(
    PanelWindow,
    state({
      connection: { state: "away", words: HOSTILE, retry_at: 0 },
      me: { extension: HOSTILE, lamp: "idle", phone_trouble: HOSTILE },
      cards: [card({ party, people: { found: "nobody" } })],
      dials: [
        dial({ id: "1", display: HOSTILE, people: { found: "one", person } }),
        dial({ id: "2", display: HOSTILE, step: "ended", end: "failed", words: HOSTILE } as never),
      ],
      recent: [
        recent({ call: "1", party, person }),
        recent({ call: "2", party, person: null, outcome: "answered_elsewhere", by: HOSTILE } as never),
      ],
    }),
    () => dials(HOSTILE, { question: HOSTILE, people: ada }),
  );
  await user.type(field(), "1");
  await screen.findByText(`9${HOSTILE}`);
  expectNothingInjected();
});

test("colleagues_are_followed_while_their_tab_is_chosen_and_a_tile_calls", async () => {
  localStorage.clear();
  const { user, backend } = open(PanelWindow, state(), (request) =>
    request.request === "wish" ? { reply: "answer", value: { answer: "done" } } : { reply: "done" },
  );
  expect(backend.asked("follow")).toEqual([]);
  await user.click(screen.getByRole("tab", { name: "Calls" }));
  await user.keyboard("{ArrowRight}");
  await waitFor(() => expect(backend.asked("follow").map(({ on }) => on)).toEqual([true]));
  flushSync(() => backend.facts([...firm(), extension("112", "Dora Novak")], true));
  const tile = await screen.findByRole("button", { name: /^Dora Novak/ });
  await expectAccessible();
  await user.click(tile);
  expect(backend.asked("wish").map(({ wish }) => wish)).toEqual([{ request: "dial", text: "112" }]);
  await user.click(screen.getByRole("tab", { name: "Calls" }));
  expect(backend.asked("follow").map(({ on }) => on)).toEqual([true, false]);
  expect(field()).toBeTruthy();
  await expectAccessible();
});

test("a_name_finds_people_of_all_sources_and_enter_calls_the_only_one", async () => {
  const { user, backend } = open(PanelWindow, state(), withCrm());
  await user.type(field(), "иван иванов");
  expect(await screen.findByText("Иван Иванов")).toBeTruthy();
  await expectAccessible();
  // The other source has nothing to add.
  await waitFor(() => expect(screen.queryByText("asking Odoo")).toBeNull());
  expect(screen.queryByText("There is no number in this text.")).toBeNull();
  await user.keyboard("{Enter}");
  await waitFor(() => expect(backend.asked("dial").map(({ text }) => text)).toEqual([ivanov.numbers[0]]));
  expect(field()).toHaveProperty("value", "");
});

test("of_several_numbers_enter_calls_none_and_each_can_be_chosen", async () => {
  const { user, backend } = open(PanelWindow, state(), withCrm());
  await user.type(field(), "lovelace");
  await screen.findByText("Ada Lovelace");
  await user.keyboard("{Enter}");
  expect(backend.asked("dial")).toEqual([]);
  await waitFor(() => expect(document.activeElement?.textContent).toContain("Ada Lovelace"));
  await user.keyboard("{ArrowDown}{Enter}");
  await waitFor(() => expect(backend.asked("dial").map(({ text }) => text)).toEqual([lovelace.numbers[1]]));
});

test("who_has_no_number_is_found_and_cannot_be_called", async () => {
  const { user, backend } = open(PanelWindow, state(), withCrm());
  await user.type(field(), "мария");
  const row = (await screen.findByText("Мария Иванова")).closest("button")!;
  expect([row.getAttribute("aria-disabled"), row.title]).toEqual(["true", "No number is known."]);
  await user.click(row);
  expect(backend.asked("dial")).toEqual([]);
});

test("a_name_that_can_be_dialled_is_dialled_and_a_link_is_no_name", async () => {
  const { user, backend } = open(PanelWindow, state(), withCrm());
  await user.type(field(), "0800 LOVELACE");
  await screen.findByText("90800 LOVELACE");
  await user.keyboard("{Enter}");
  await waitFor(() => expect(backend.asked("dial").map(({ text }) => text)).toEqual(["0800 LOVELACE"]));
  await user.type(field(), "tel:102{Enter}");
  await waitFor(() => expect(backend.asked("dial")).toHaveLength(2));
});

test("an_impatient_enter_waits_for_the_people_and_is_no_refusal", async () => {
  const { user, backend } = open(PanelWindow, state(), withCrm());
  await user.type(field(), "lovelace{Enter}");
  expect(backend.asked("dial")).toEqual([]);
  expect(await screen.findByText("Ada Lovelace")).toBeTruthy();
  expect(screen.queryByText("There is no number in this text.")).toBeNull();
});

test("a_name_that_nobody_has_gets_its_sentence", async () => {
  const { user } = open(PanelWindow, state(), withCrm());
  await user.type(field(), "zzz");
  await screen.findByText("Nobody is found.");
  expect(await screen.findByText("There is no number in this text.")).toBeTruthy();
});

test("it_is_told_of_a_running_and_of_a_recent_call_who_it_is", async () => {
  const call = card({ call: "c7", people: { found: "one", person: lovelace } });
  const lines = { recent: [recent({ call: "r7", person: null, line: "Sales" })] };
  const { user, backend } = open(PanelWindow, state({ cards: [call], ...lines }), withCrm());
  await user.click(screen.getByRole("button", { name: "Who is Ada Lovelace?" }));
  await user.click(await screen.findByRole("button", { name: "Wrong person, not Ada Lovelace" }));
  await user.click(screen.getByRole("button", { name: "Who is +44 20 7946 0958?" }));
  await user.click(await screen.findByRole("button", { name: "Find" }));
  await user.type(await screen.findByRole("searchbox"), "ivanov");
  await user.clear(screen.getByRole("searchbox"));
  await user.type(screen.getByRole("searchbox"), "lovelace");
  await user.click(within(await screen.findByRole("list", { name: "Who is it?" })).getByRole("button"));
  await expectAccessible();
  const wishes = backend.asked("wish").map(({ wish }) => wish);
  expect(wishes.filter(({ request }) => request !== "find_people")).toEqual([
    { request: "unlink_person", call: "c7" },
    { request: "link_person", call: "r7", record: lovelace.record, remember: "number" },
  ]);
});

/** A host with a CRM, for which a name is no number. */
function withCrm(): (request: Request) => Reply {
  const answers = crmAnswers();
  return (request) => {
    if (request.request === "wish") return { reply: "answer", value: answers(request.wish) };
    if (request.request !== "explain") return { reply: "dialling", value: { dial: "d9" } };
    if (/\d/.test(request.text)) return dials(request.text);
    return {
      reply: "explanation",
      value: { verdict: "refused", words: "There is no number in this text.", steps: [] },
    };
  };
}
