import { createEvent, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { FakeLine } from "../testing/fake-line";
import { call, dial, extension, firm, lampCall, me, missed, parked, queue, thousand } from "../testing/firm";
import { expectAccessible, expectNothingInjected } from "../testing/open";
import { HOSTILE } from "../testing/samples";
import type { Answer } from "../wire/Answer";
import type { Fact } from "../wire/Fact";
import type { Request } from "../wire/Request";
import { withLine } from "./line.svelte";
import Panel from "./Panel.svelte";
import { crmAnswers, ivanov, lovelace } from "../testing/crm";
import { somebody } from "../testing/people";

beforeEach(() => localStorage.clear());

const boris = (over = {}) => extension("102", "Boris Orlov", { groups: ["Sales"], ...over });
const chen = (over = {}) => extension("103", "Chen Wei", over);

test("a_tile_says_who_it_is_and_how_he_stands", async () => {
  open(boris({ lamp: "in_use", calls: [lampCall({ state: "talking" })] }), chen());
  expect(tile("102").textContent).toMatch(/Boris Orlov.*102.*talking with Ada Lovelace.*\d:\d\d/s);
  expect(tile("103").textContent).toMatch(/Chen Wei.*103.*free/s);
  await expectAccessible();
});

test("a_click_on_a_colleague_calls_him_and_a_double_click_is_one_call", async () => {
  const { line, user } = open(boris());
  await user.dblClick(tile("102"));
  expect(line.asked("dial").map(({ text }) => text)).toEqual(["102"]);
});

test("an_impatient_second_try_is_the_same_wish", async () => {
  const { line, user } = open(boris());
  tile("102").focus();
  await user.keyboard("{Enter}{Enter}");
  expect(line.asked("dial")).toHaveLength(2);
  expect(new Set(line.requests.map(({ id }) => id)).size).toBe(1);
});

test("ones_own_phone_and_one_of_another_phone_system_are_not_called", async () => {
  const { line, user } = open(extension("101", "Zoe Branch", { pbx: "branch" }));
  for (const name of [/^Anna Petrova/, /^Zoe Branch/]) {
    const button = screen.getByRole("button", { name });
    expect(button.getAttribute("aria-disabled")).toBe("true");
    await user.click(button);
  }
  expect(line.requests).toEqual([]);
});

test("arrow_keys_walk_enter_calls_and_only_one_tile_is_a_tab_stop", async () => {
  const { line, user } = open(chen(), boris());
  await user.click(search());
  await user.keyboard("{ArrowDown}");
  expect(document.activeElement?.textContent).toContain("Boris Orlov");
  await user.keyboard("{ArrowDown}{ArrowDown}{ArrowRight}");
  expect(document.activeElement?.textContent).toContain("Chen Wei");
  await user.keyboard("{Enter}");
  expect(line.asked("dial").map(({ text }) => text)).toEqual(["103"]);
  const stops = screen.getByRole("grid").querySelectorAll("button[tabindex='0']");
  expect(stops).toHaveLength(1);
});

test("a_search_is_instant_keeps_the_focus_and_enter_calls_the_only_one_found", async () => {
  const { line, user } = open(boris(), chen());
  await user.keyboard("/");
  expect(document.activeElement).toBe(search());
  await user.keyboard("orlov");
  expect(tiles()).toEqual(["102@main"]);
  line.tell(boris({ lamp: "ringing" }));
  expect(document.activeElement).toBe(search());
  await user.keyboard("{Enter}");
  expect(line.asked("dial").map(({ text }) => text)).toEqual(["102"]);
  await user.keyboard("{Escape}");
  expect(tiles()).toHaveLength(3);
});

test("t_and_a_choice_by_keyboard_transfer_the_call_that_is_talked", async () => {
  const { line, user } = open(boris(), chen(), call());
  await user.keyboard("t");
  expect(screen.getByRole("group", { name: "Transfer" }).textContent).toContain("Ada Lovelace");
  await expectAccessible();
  await user.keyboard("/orl{Enter}");
  expect(line.orders()).toEqual([{ call: "c1", order: { order: "blind_transfer", to: "102" } }]);
  expect(screen.queryByRole("group", { name: "Transfer" })).toBeNull();
});

test("asking_first_is_a_choice_that_is_remembered_and_can_be_taken_back", async () => {
  const { line, user } = open(boris(), call());
  await user.click(screen.getByRole("button", { name: "Transfer Ada Lovelace" }));
  await user.click(screen.getByRole("radio", { name: "Ask first" }));
  await user.click(tile("102"));
  expect(line.orders().at(-1)?.order).toEqual({ order: "attended_transfer", to: "102" });
  await user.click(await screen.findByRole("button", { name: "Take Ada Lovelace back" }));
  expect(line.orders().at(-1)?.order).toEqual({ order: "cancel_transfer" });
  await user.keyboard("t");
  expect(screen.getByRole("radio", { name: "Ask first" })).toHaveProperty("checked", true);
});

test("escape_gives_up_a_transfer_and_the_next_click_calls", async () => {
  const { line, user } = open(boris(), call());
  await user.keyboard("t{Escape}");
  await user.click(tile("102"));
  expect(line.orders()).toEqual([]);
  expect(line.asked("dial")).toHaveLength(1);
});

test("a_number_that_is_typed_while_transferring_gets_the_call", async () => {
  const { line, user } = open(call());
  await user.keyboard("t");
  await user.type(screen.getByRole("textbox", { name: "Number to call" }), "+44 20{Enter}");
  expect(line.orders()).toEqual([{ call: "c1", order: { order: "blind_transfer", to: "+44 20" } }]);
});

test("a_call_that_is_dragged_onto_a_colleague_is_his", async () => {
  const { line } = open(boris(), call());
  const dragged = screen.getByRole("article", { name: "Talking: Ada Lovelace" });
  await fireEvent(dragged, createEvent.dragStart(dragged));
  await screen.findByRole("group", { name: "Transfer" });
  const target = tile("102").closest("[data-tile]")!;
  await fireEvent(target, createEvent.dragEnter(target));
  await fireEvent(target, createEvent.dragOver(target));
  await fireEvent(target, createEvent.drop(target));
  await fireEvent(dragged, createEvent.dragEnd(dragged));
  await waitFor(() => expect(line.orders()).toEqual([{ call: "c1", order: { order: "blind_transfer", to: "102" } }]));
});

test("a_call_that_rings_here_is_sent_on_and_not_transferred", async () => {
  const { line, user } = open(boris(), call({ mine: "ringing", state: "ringing", answered: null } as never));
  await user.click(screen.getByRole("button", { name: "Send on Ada Lovelace" }));
  await user.click(tile("102"));
  expect(line.orders()).toEqual([{ call: "c1", order: { order: "redirect", to: "102" } }]);
});

test("a_call_that_rings_at_a_colleague_is_picked_up_by_p_or_a_click", async () => {
  const { line, user } = open(boris({ lamp: "ringing", calls: [lampCall({ call: "x9" })] }));
  await user.click(screen.getByRole("button", { name: /Pick up/ }));
  tile("102").focus();
  await user.keyboard("p");
  expect(line.orders()).toEqual([
    { call: "x9", order: { order: "pick_up" } },
    { call: "x9", order: { order: "pick_up" } },
  ]);
});

test("f_pins_a_colleague_to_the_top_and_the_page_remembers_it", async () => {
  const { user, unmount } = open(boris(), chen());
  tile("103").focus();
  await user.keyboard("f");
  expect(headers()[0]).toContain("Favourites");
  expect(tiles()[0]).toBe("103@main");
  unmount();
  open(boris(), chen());
  expect(tiles()[0]).toBe("103@main");
});

test("a_group_is_closed_by_its_header", async () => {
  const { user } = open(boris());
  await user.click(screen.getByRole("button", { name: /Sales/ }));
  expect(tiles()).toEqual(["101@main"]);
  expect(screen.getByRole("button", { name: /Sales/ }).getAttribute("aria-expanded")).toBe("false");
});

test.each([
  ["Park Ada Lovelace", { order: "park" }],
  ["Hold Ada Lovelace", { order: "hold" }],
  ["Mute me for Ada Lovelace", { order: "mute", on: true }],
  ["Record the call with Ada Lovelace", { order: "record", on: true }],
  ["Conference with Ada Lovelace", { order: "conference" }],
  ["Join with Karl", { order: "join", with: "c2" }],
] as const)("a_talked_call_has_the_button_%s", async (name, order) => {
  const { line, user } = open(call(), call({ id: "c2", party: { number: null, name: "Karl" } }));
  await user.click(screen.getByRole("button", { name }));
  expect(line.orders()).toEqual([{ call: "c1", order }]);
});

test("keys_send_tones", async () => {
  const { line, user } = open(call());
  await user.click(screen.getByRole("button", { name: "Keys for Ada Lovelace" }));
  await user.click(screen.getByRole("button", { name: "Key #" }));
  expect(line.orders()).toEqual([{ call: "c1", order: { order: "tones", tones: "#" } }]);
});

test("what_the_phone_system_lacks_is_greyed_and_says_why", async () => {
  const rights = { ...me().rights, lacking: [["park", "There is no parking lot."]] as [string, string][] };
  const { line, user } = open({ fact: "me", value: me({ rights }) }, call());
  const park = screen.getByRole("button", { name: "Park Ada Lovelace" });
  expect([park.getAttribute("aria-disabled"), park.title]).toEqual(["true", "There is no parking lot."]);
  await user.click(park);
  expect(line.requests).toEqual([]);
});

test("a_refusal_is_the_servers_sentence_and_no_dialog", async () => {
  const { user } = open(call(), () => ({ answer: "failed", code: "refused", message: "Nobody can be held here." }));
  await user.click(screen.getByRole("button", { name: "Hold Ada Lovelace" }));
  expect((await screen.findByRole("alert")).textContent).toContain("Nobody can be held here.");
  expect(screen.queryByRole("dialog")).toBeNull();
  await expectAccessible();
  await user.click(screen.getByRole("button", { name: "Hide this message" }));
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a_dial_shows_the_step_that_was_told_and_can_be_given_up", async () => {
  const { line, user } = open(dial());
  const marks = within(screen.getByRole("list", { name: "Progress" })).getAllByRole("listitem");
  expect(marks.map((mark) => mark.getAttribute("aria-current"))).toEqual([null, null, "step", null]);
  await user.click(screen.getByRole("button", { name: "Cancel +44 20 7946 0958" }));
  expect(line.asked("cancel")).toEqual([{ request: "cancel", dial: "d1" }]);
  line.tell(dial({ step: "ended", end: "busy", words: "Busy." }));
  expect(screen.getByRole("article").textContent).toContain("Busy.");
  await expectAccessible();
});

test("an_answered_dial_gives_way_to_its_call", () => {
  const { line } = open(dial({ step: "ringing_there", call: "c1" }), call({ dial: "d1", direction: "outgoing" }));
  expect(screen.getAllByRole("article")).toHaveLength(1);
  line.tell(dial({ step: "answered", call: "c1" }));
  expect(screen.getByRole("article").getAttribute("aria-label")).toBe("Talking: Ada Lovelace");
});

test("the_number_field_says_what_would_be_dialled_and_why", async () => {
  const { user } = open((request: Request): Answer =>
    request.request === "explain"
      ? {
          answer: "explained",
          display: "x",
          dials: "0442079460958",
          steps: [["outside line", "0442079460958"]],
          words: null,
          question: null,
          people: { found: "nobody" },
        }
      : { answer: "done" },
  );
  await user.type(screen.getByRole("textbox", { name: "Number to call" }), "+44 20 7946 0958");
  await screen.findByText("0442079460958");
  await user.click(screen.getByRole("button", { name: "Why?" }));
  expect(screen.getByRole("list", { name: "How the number came about" }).textContent).toContain("outside line");
  await expectAccessible();
});

test("an_incoming_call_is_told_once_however_often_it_changes", async () => {
  const { line } = open();
  const ringing = { mine: "ringing", state: "ringing", answered: null } as never;
  line.tell(call(ringing));
  const region = screen.getByRole("log", { name: "Incoming calls" });
  expect(region.textContent).toBe("Incoming call: Ada Lovelace");
  let told = 0;
  new MutationObserver(() => (told += 1)).observe(region, { childList: true, characterData: true, subtree: true });
  line.tell(call({ ...(ringing as object), line: "Sales" }));
  line.tell(call());
  await Promise.resolve();
  expect(told).toBe(0);
  line.tell(call({ ...(ringing as object) }));
  line.tell(call({ ...(ringing as object), id: "c2", party: { number: null, name: null } }));
  await waitFor(() => expect(region.textContent).toBe("Incoming call: Number withheld"));
});

test("queues_say_who_waits_and_let_one_pause", async () => {
  const { line, user } = open(queue());
  const section = await screen.findByRole("region", { name: "Queues" });
  expect(section.textContent).toMatch(/1 waiting, longest\s+\d:\d\d\s+· 1 of 2 free · 1 paused/);
  await user.click(screen.getByRole("button", { name: "Pause me in Sales" }));
  await user.click(screen.getByRole("button", { name: "Leave Sales" }));
  expect(line.orders().map(({ order }) => order)).toEqual([
    { order: "queue_pause", queue: "Sales", paused: true, reason: null },
    { order: "queue_logout", queue: "Sales" },
  ]);
  await expectAccessible();
});

test("a_parked_call_is_picked_up_and_a_missed_one_called_back_or_closed", async () => {
  const { line, user } = open(parked(), missed(), missed({ item: "m2", closed_by: "Boris", closed_at: Date.now() }));
  await user.click(await screen.findByRole("button", { name: "Pick up Karl Weiss from 701" }));
  await user.click(screen.getByRole("button", { name: "Call back Grace Hopper" }));
  await user.click(screen.getByRole("button", { name: "Close Grace Hopper" }));
  expect(line.orders()).toEqual([{ call: "p1", order: { order: "pick_up" } }]);
  expect(line.asked("dial").map(({ text }) => text)).toEqual(["+12125550142"]);
  expect(line.asked("close_missed").map(({ item }) => item)).toEqual(["m1"]);
  expect(screen.getByText(/called back by Boris at/)).toBeTruthy();
  await expectAccessible();
});

test("do_not_disturb_is_switched_and_shown", async () => {
  const { line, user } = open(extension("101", "Anna Petrova", { do_not_disturb: true }));
  await user.click(screen.getByRole("button", { name: "Disturb me again" }));
  expect(line.orders()[0]?.order).toEqual({ order: "do_not_disturb", on: false });
});

test.each([
  ["the_line", (line: FakeLine) => line.become({ line: "away", words: "Gone.", retryAt: Date.now() + 9000 })],
  [
    "the_phone_system",
    (line: FakeLine) =>
      line.tell({ fact: "pbx", key: "main", value: { line: "away", words: "Gone.", retry_at: Date.now() + 9000 } }),
  ],
])("without_%s_everything_is_grey_with_the_reason", async (_, lose) => {
  const { line, user } = open(
    boris(),
    chen({ lamp: "ringing", calls: [lampCall()] }),
    call(),
    queue(),
    parked(),
    missed(),
  );
  await screen.findByRole("region", { name: "Queues" });
  lose(line);
  expect(screen.getByText("Gone.")).toBeTruthy();
  expect(screen.getByText(/Tries again in 0:\d\d/)).toBeTruthy();
  for (const name of [
    "Hang up Ada Lovelace",
    "Park Ada Lovelace",
    "Pause me in Sales",
    "Pick up Karl Weiss from 701",
    "Call back Grace Hopper",
  ]) {
    const button = screen.getByRole("button", { name });
    expect([name, button.title]).toEqual([name, "Gone."]);
    await user.click(button);
  }
  await user.click(tile("102"));
  tile("103").focus();
  await user.keyboard("p");
  await user.keyboard("t");
  expect(screen.queryByRole("group", { name: "Transfer" })).toBeNull();
  expect(line.requests).toEqual([]);
  await expectAccessible();
});

test("hostile_texts_stay_texts", async () => {
  const party = { number: HOSTILE, name: HOSTILE };
  open(
    extension("102", HOSTILE, {
      groups: [HOSTILE],
      lamp: "ringing",
      calls: [lampCall({ party, line: HOSTILE })],
      presence: { status: HOSTILE, message: HOSTILE },
    }),
    call({
      party,
      line: HOSTILE,
      people: { found: "one", person: somebody({ name: HOSTILE }) },
    }),
    dial({ display: HOSTILE, step: "ended", end: "failed", words: HOSTILE }),
    queue({ queue: HOSTILE }),
    parked({ space: HOSTILE, party }),
    missed({ party, line: HOSTILE }),
  );
  expect(screen.getAllByText(HOSTILE, { exact: false }).length).toBeGreaterThan(4);
  expectNothingInjected();
});

test("contacts_of_all_sources_stand_below_the_colleagues_and_a_click_calls", async () => {
  const { line, user } = open(boris(), crmAnswers());
  await user.type(search(), "иван иванов");
  const contacts = await screen.findByRole("list", { name: "Contacts" });
  await expectAccessible();
  await user.click(within(contacts).getByRole("button"));
  expect(line.asked("dial").map(({ text }) => text)).toEqual([ivanov.numbers[0]]);
});

test("enter_goes_from_a_search_without_colleagues_to_the_contact", async () => {
  const { line, user } = open(boris(), crmAnswers());
  await user.type(search(), "иван иванов");
  await screen.findByRole("list", { name: "Contacts" });
  await waitFor(() => expect(line.asked("find_people")).toHaveLength(2));
  await user.click(search());
  await user.keyboard("{Enter}");
  await waitFor(() => expect(line.asked("dial").map(({ text }) => text)).toEqual([ivanov.numbers[0]]));
});

test("a_contact_that_is_chosen_while_transferring_gets_the_call", async () => {
  const { line, user } = open(call(), crmAnswers());
  await user.keyboard("t/");
  await user.keyboard("lovelace");
  await user.click(await screen.findByRole("button", { name: /^Ada Lovelace/ }));
  expect(line.orders()).toEqual([{ call: "c1", order: { order: "blind_transfer", to: lovelace.numbers[0] } }]);
});

test("of_an_own_call_it_can_be_said_who_it_is", async () => {
  const { line, user } = open(call({ people: { found: "one", person: lovelace } }));
  await user.click(screen.getByRole("button", { name: "Who is Ada Lovelace?" }));
  await user.click(await screen.findByRole("button", { name: /^Wrong person/ }));
  expect(line.asked("unlink_person")).toEqual([{ request: "unlink_person", call: "c1" }]);
  expect(screen.getByRole("link", { name: "Open in Tryton" })).toBeTruthy();
  await expectAccessible();
});

test("of_a_colleague_who_calls_no_contact_source_is_asked", () => {
  open(call({ internal: true }));
  expect(screen.queryByRole("button", { name: /^Who is/ })).toBeNull();
});

test("of_a_thousand_colleagues_few_are_in_the_document_and_a_change_draws_one_tile", async () => {
  const { line } = open(...thousand());
  expect(Number(screen.getByRole("grid").getAttribute("aria-rowcount"))).toBeGreaterThan(200);
  expect(tiles().length).toBeLessThanOrEqual(60);
  expect(document.querySelectorAll("*").length).toBeLessThan(1500);
  const drawn = watchTiles();
  line.tell(extension("1005", "Colleague 005", { lamp: "ringing" }));
  expect(drawn()).toEqual(["1005@main"]);
  // Far below the window.
  line.tell(extension("1900", "Colleague 900", { lamp: "ringing" }));
  expect(drawn()).toEqual([]);
});

function open(...given: (Fact | ((request: Request) => Answer))[]) {
  const facts = given.filter((one): one is Fact => typeof one !== "function");
  const answer = given.find((one) => typeof one === "function");
  const line = new FakeLine(firm(...facts), answer);
  const { unmount } = render(Panel, { context: withLine(line) });
  return { line, user: userEvent.setup(), unmount };
}

function search(): HTMLElement {
  return screen.getByRole("searchbox", { name: "Search colleagues and contacts" });
}

function tile(number: string): HTMLElement {
  return document.querySelector<HTMLElement>(`[data-tile="${number}@main"] .main`)!;
}

function tiles(): string[] {
  return [...document.querySelectorAll<HTMLElement>("[data-tile]")].map((one) => one.dataset["tile"]!);
}

function headers(): string[] {
  return [...document.querySelectorAll("[aria-expanded][data-place]")].map((one) => one.textContent!);
}

/** Which tiles' documents have changed since the last question. */
function watchTiles(): () => string[] {
  const observer = new MutationObserver(() => {});
  observer.observe(screen.getByRole("grid"), { subtree: true, childList: true, characterData: true, attributes: true });
  return () => {
    const places = observer.takeRecords().map(({ target }) => {
      const element = target instanceof Element ? target : target.parentElement;
      return element?.closest<HTMLElement>("[data-tile]")?.dataset["tile"] ?? "outside of a tile";
    });
    return [...new Set(places)];
  };
}
