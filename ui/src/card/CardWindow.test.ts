import { screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { card, HOSTILE, state } from "../testing/samples";
import { expectAccessible, expectNothingInjected, open } from "../testing/open";
import { crmAnswers, ivanov, ivanova, lovelace } from "../testing/crm";
import { asking, found, somebody } from "../testing/people";
import type { Reply } from "../types/Reply";
import type { Request } from "../types/Request";
import type { People } from "../wire/People";
import CardWindow from "./CardWindow.svelte";

beforeEach(() => {
  // Timers of the page only: promises and axe run on.
  vi.useFakeTimers({
    toFake: [
      "setInterval",
      "clearInterval",
      "setTimeout",
      "clearTimeout",
      "requestAnimationFrame",
      "cancelAnimationFrame",
      "Date",
    ],
    shouldAdvanceTime: true,
  });
});
afterEach(() => vi.useRealTimers());

test("number_shows_at_once_and_the_person_when_found", async () => {
  const { change } = open(CardWindow, state({ cards: [card({ people: { found: "asking" } })] }));
  expect(screen.getByRole("heading", { name: "+44 20 7946 0958" })).toBeTruthy();
  expect(screen.queryByText(/not in your contacts/)).toBeNull();
  change({ part: "cards", value: [card()] });
  expect(screen.getByRole("heading", { name: "Ada Lovelace" })).toBeTruthy();
  expect(screen.getByText("Analytical Engines Ltd")).toBeTruthy();
  expect(screen.getByText("+44 20 7946 0958")).toBeTruthy();
  await expectAccessible();
});

test("waiting_time_runs_only_while_it_rings", async () => {
  const { change } = open(CardWindow, state({ cards: [card({ since: Date.now() })] }));
  expect(screen.getByRole("timer").textContent).toBe("0:00");
  await vi.advanceTimersByTimeAsync(3000);
  expect(screen.getByRole("timer").textContent).toBe("0:03");
  change({ part: "cards", value: [] });
  // The last frame is still reported.
  await vi.advanceTimersByTimeAsync(200);
  expect(vi.getTimerCount()).toBe(0);
});

test("several_people_are_listed_and_none_is_chosen", async () => {
  const people = ["Иван Иванов", "Мария Иванова"].map((name) => somebody({ name }));
  open(CardWindow, state({ cards: [card({ people: { found: "several", people } })] }));
  expect(screen.getByRole("heading", { name: "+44 20 7946 0958" })).toBeTruthy();
  expect(screen.getByText("2 people have this number.")).toBeTruthy();
  expect(within(screen.getByRole("list", { name: "Who is it?" })).getAllByRole("listitem")).toHaveLength(2);
  await expectAccessible();
});

test("withheld_number_is_said_in_words", () => {
  open(CardWindow, state({ cards: [card({ party: { number: null, name: null }, people: { found: "nobody" } })] }));
  expect(screen.getByRole("heading", { name: "Number withheld" })).toBeTruthy();
});

test("esc_hides_the_newest_card_and_never_hangs_up", async () => {
  const { backend, user } = open(CardWindow, state({ cards: [card({ call: "old" }), card({ call: "new" })] }));
  await user.keyboard("{Escape}");
  expect(backend.requests).toEqual([{ request: "hide_card", call: "new" }]);
});

test("h_or_a_click_hangs_up_the_call_it_stands_on", async () => {
  const { backend, user } = open(CardWindow, state({ cards: [card({ call: "old" }), card({ call: "new" })] }));
  await user.keyboard("h");
  await user.click(screen.getAllByRole("button", { name: "Hang up Ada Lovelace" })[0]!);
  expect(backend.asked("hang_up").map((r) => r.call)).toEqual(["new", "old"]);
  expect(backend.keyboardTaken).toBe(0);
});

test("a_click_on_the_card_itself_asks_for_the_keyboard", async () => {
  const { backend, user } = open(CardWindow, state({ cards: [card()] }));
  await user.click(screen.getByRole("heading"));
  expect(backend.keyboardTaken).toBe(1);
});

test("a_call_that_a_colleague_took_folds_after_three_seconds", async () => {
  const taken = card({ phase: "answered_elsewhere", by: "102", can_hang_up: false } as never);
  open(CardWindow, state({ cards: [taken] }));
  expect(screen.getByText("Answered by 102")).toBeTruthy();
  expect(screen.getByRole("heading", { name: "Ada Lovelace" })).toBeTruthy();
  vi.advanceTimersByTime(3100);
  await waitFor(() => expect(screen.queryByRole("heading")).toBeNull());
  expect(screen.getByText("Ada Lovelace")).toBeTruthy();
  expect(screen.queryByRole("button", { name: /Hang up/ })).toBeNull();
});

test.each([
  [{ phase: "missed" }, "Missed"],
  [{ phase: "ended", words: "They hung up." }, "They hung up."],
  [{ phase: "unknown", words: "The line was lost." }, "The line was lost."],
])("the_end_%o_is_said_in_words", (phase, words) => {
  open(CardWindow, state({ cards: [card({ ...phase, can_hang_up: false } as never)] }));
  expect(screen.getByText(words)).toBeTruthy();
});

test("what_was_drawn_is_reported_with_the_time_of_its_news", async () => {
  const { backend, change } = open(CardWindow, state());
  await waitFor(() => expect(backend.layouts.at(-1)?.empty).toBe(true));
  change({ part: "cards", value: [card({ call: "a" }), card({ call: "b" })] });
  await waitFor(() => expect(backend.paintings.at(-1)).toEqual({ calls: ["a", "b"], receivedAt: 2 }));
  expect(backend.layouts.at(-1)?.empty).toBe(false);
  // A name that comes later is no new call.
  change({ part: "cards", value: [card({ call: "a" }), card({ call: "b", people: { found: "nobody" } })] });
  change({ part: "cards", value: [] });
  await waitFor(() => expect(backend.paintings.map((p) => p.calls)).toEqual([["a", "b"], []]));
});

test("hostile_texts_stay_texts", async () => {
  const person = somebody({ name: HOSTILE, company: HOSTILE, note: HOSTILE, source: HOSTILE });
  const party = { number: HOSTILE, name: HOSTILE };
  open(
    CardWindow,
    state({
      cards: [
        card({ call: "1", party, line: HOSTILE, people: { found: "one", person } }),
        card({ call: "2", party, people: { found: "several", people: [person, person] } }),
        card({ call: "3", party, people: { found: "nobody" }, phase: "answered_elsewhere", by: HOSTILE } as never),
        card({ call: "4", party, people: { found: "nobody" }, phase: "ended", words: HOSTILE } as never),
      ],
    }),
  );
  expect(screen.getAllByText(HOSTILE).length).toBeGreaterThan(4);
  expectNothingInjected();
});

test("what_slow_sources_add_finds_its_room_kept", () => {
  const slow = { people: { found: "asking" } as const, sources: [asking("Tryton")] };
  const { change } = open(CardWindow, state({ cards: [card(slow)] }));
  const room = () => document.querySelector(".room")!.classList.contains("kept");
  expect(room()).toBe(true);
  change({
    part: "cards",
    value: [card({ people: { found: "one", person: lovelace }, sources: [found("Tryton", 84)] })],
  });
  expect(screen.getByText("Analytical Engines Ltd")).toBeTruthy();
  // It is not given back while the call goes on: what stands below would move.
  expect(room()).toBe(true);
  change({ part: "cards", value: [card({ phase: "missed", can_hang_up: false } as never)] });
  expect(room()).toBe(false);
});

test("a_card_whose_sources_answer_at_once_keeps_no_room", () => {
  open(CardWindow, state({ cards: [card()] }));
  expect(document.querySelector(".kept")).toBeNull();
});

test("a_digit_means_the_newest_card_alone", async () => {
  const people: People = { found: "several", people: [ivanov, ivanova] };
  const cards = [card({ call: "old", people }), card({ call: "new", people })];
  const { user, backend } = open(CardWindow, state({ cards }), crm());
  await user.keyboard("2");
  expect(backend.asked("wish").map(({ wish }) => wish)).toEqual([
    { request: "link_person", call: "new", record: ivanova.record, remember: "number" },
  ]);
});

test("who_wants_to_find_somebody_gets_the_keyboard_and_letters_are_letters_then", async () => {
  const unknown = card({ people: { found: "nobody" } });
  const { user, backend } = open(CardWindow, state({ cards: [unknown] }), crm());
  await user.click(screen.getByRole("button", { name: "Find" }));
  expect(backend.keyboardTaken).toBe(1);
  await user.type(await screen.findByRole("searchbox"), "h");
  await user.keyboard("{Escape}{Escape}");
  expect(backend.asked("hang_up")).toEqual([]);
  expect(backend.asked("hide_card")).toEqual([]);
  expect(screen.queryByRole("searchbox")).toBeNull();
});

test("a_call_that_a_colleague_has_is_not_attached_to_anybody", () => {
  open(CardWindow, state({ cards: [card({ phase: "answered_elsewhere", by: "102", can_hang_up: false } as never)] }));
  expect(screen.queryByRole("button", { name: /Wrong person|Find/ })).toBeNull();
});

test("a_link_is_opened_by_the_agent", async () => {
  const people = { found: "one", person: lovelace } as const;
  const { user, backend } = open(CardWindow, state({ cards: [card({ people })] }));
  await user.click(screen.getByRole("button", { name: "Open in Tryton" }));
  expect(backend.asked("open_link")).toEqual([{ request: "open_link", url: lovelace.url }]);
});

function crm(): (request: Request) => Reply {
  const answers = crmAnswers();
  return (request) =>
    request.request === "wish" ? { reply: "answer", value: answers(request.wish) } : { reply: "done" };
}
