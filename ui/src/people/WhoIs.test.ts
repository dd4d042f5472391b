import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { crmAnswers, forms, ivanov, ivanova, lovelace } from "../testing/crm";
import { expectAccessible, expectNothingInjected } from "../testing/open";
import { asking, failing, found, somebody } from "../testing/people";
import { HOSTILE } from "../testing/samples";
import type { Answer } from "../wire/Answer";
import type { People } from "../wire/People";
import type { Request } from "../wire/Request";
import WhoIs from "./WhoIs.svelte";

const two: People = { found: "several", people: [ivanov, ivanova] };
const ada: People = { found: "one", person: lovelace };
const nobody: People = { found: "nobody" };

test("facts_reach_and_owner_are_lines_and_the_sources_say_how_long_they_took", async () => {
  open({ people: ada, sources: [found("Tryton", 84), found("Contacts", 0)] });
  expect(screen.getByText("Analytical Engines Ltd")).toBeTruthy();
  expect(screen.getByText("ada@example.com · owner Boris Orlov")).toBeTruthy();
  expect(screen.getByText("Ticket").nextElementSibling?.textContent).toContain("#4411");
  expect(text(document.querySelector(".sources"))).toBe("Tryton 84 ms · Contacts");
  await expectAccessible();
});

test("a_failed_source_says_its_sentence_and_hides_nothing_that_others_found", async () => {
  open({ people: ada, sources: [found("Tryton", 84), failing("Odoo", "does not answer."), asking("Zoho")] });
  expect(screen.getByText("Odoo: does not answer.")).toBeTruthy();
  expect(screen.getByText("asking Zoho")).toBeTruthy();
  expect(screen.getByText("Analytical Engines Ltd")).toBeTruthy();
  await expectAccessible();
});

test("one_of_several_is_chosen_by_a_click_and_remembered_as_told", async () => {
  const { user, asked } = open({ people: two });
  await user.selectOptions(screen.getByLabelText("Remember the choice"), "number_on_line");
  await user.click(screen.getByRole("button", { name: /Мария Иванова/ }));
  expect(asked).toEqual([{ request: "link_person", call: "c1", record: ivanova.record, remember: "number_on_line" }]);
  await expectAccessible();
});

test("one_of_several_is_chosen_by_keyboard_alone", async () => {
  const { user, asked } = open({ people: two, line: null });
  await user.tab();
  expect(document.activeElement).toBe(screen.getByLabelText("Remember the choice"));
  expect(screen.queryByRole("option", { name: /only for/ })).toBeNull();
  await user.tab();
  await user.keyboard("{ArrowDown}{Enter}");
  expect(asked).toMatchObject([{ request: "link_person", record: ivanova.record, remember: "number" }]);
});

test("a_digit_chooses_where_digits_are_for_that", async () => {
  const { user, asked } = open({ people: two, digits: true });
  await user.keyboard("3");
  expect(asked).toEqual([]);
  await user.keyboard("2");
  expect(asked).toMatchObject([{ record: ivanova.record }]);
});

test("who_stands_in_the_list_keeps_his_place_when_a_slow_source_adds_somebody_above", async () => {
  const { rerender } = open({ people: two });
  await rerender({ people: { found: "several", people: [lovelace, ivanov, ivanova] } });
  const rows = within(screen.getByRole("list", { name: "Who is it?" })).getAllByRole("listitem");
  expect(rows.map((row) => row.querySelector("b")?.textContent)).toEqual([
    "Иван Иванов",
    "Мария Иванова",
    "Ada Lovelace",
  ]);
});

test("a_withheld_number_is_chosen_for_this_call_only", async () => {
  const { user, asked } = open({ people: two, number: null });
  expect(screen.queryByLabelText("Remember the choice")).toBeNull();
  await user.click(screen.getByRole("button", { name: /Иван Иванов/ }));
  expect(asked).toMatchObject([{ remember: "no" }]);
});

test("a_wrong_person_is_taken_off_and_put_back_as_he_was_remembered", async () => {
  const remembered = { by: "Anna", at: 0, line: "Sales" };
  const { user, asked, rerender } = open({ people: ada, remembered });
  expect(screen.getByText("chosen before by Anna on this line")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Wrong person, not Ada Lovelace" }));
  expect(asked).toEqual([{ request: "unlink_person", call: "c1" }]);
  await rerender({ people: nobody, remembered: null });
  await expectAccessible();
  await user.click(screen.getByRole("button", { name: "Undo: it is Ada Lovelace" }));
  expect(asked.at(-1)).toEqual({
    request: "link_person",
    call: "c1",
    record: lovelace.record,
    remember: "number_on_line",
  });
  expect(screen.queryByRole("button", { name: /Undo/ })).toBeNull();
});

test("the_keyboard_stays_where_something_was_pressed_and_never_comes_to_the_end_of_the_call", async () => {
  const { user, rerender } = open({ people: ada });
  screen.getByRole("button", { name: /Wrong person/ }).focus();
  await user.keyboard("{Enter}");
  await rerender({ people: nobody });
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("button", { name: /Undo/ })));
  await user.tab();
  await user.keyboard("{Enter}");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("searchbox")));
  await user.keyboard("{Escape}");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("button", { name: /Undo/ })));
});

test("what_others_do_takes_no_keyboard", async () => {
  const { rerender } = open({ people: ada });
  await rerender({ people: nobody });
  await Promise.resolve();
  expect(document.activeElement).toBe(document.body);
});

test("what_is_refused_is_a_sentence_and_nothing_is_thought_done", async () => {
  const refused: Answer = { answer: "failed", code: "refused", message: "This call is too old." };
  const { user } = open({ people: ada }, () => refused);
  await user.click(screen.getByRole("button", { name: /Wrong person/ }));
  expect((await screen.findByRole("alert")).textContent).toContain("This call is too old.");
  expect(screen.queryByRole("button", { name: /Undo/ })).toBeNull();
});

test("an_unknown_caller_is_found_by_name_and_attached_by_keyboard_alone", async () => {
  const { user, asked } = open({ people: nobody }, crmAnswers());
  screen.getByRole("button", { name: "Find" }).focus();
  await user.keyboard("{Enter}");
  const input = await screen.findByRole("searchbox", { name: "Name, company or e-mail" });
  await waitFor(() => expect(document.activeElement).toBe(input));
  await user.keyboard("lovelace");
  await screen.findByText("Ada Lovelace");
  await expectAccessible();
  await user.keyboard("{ArrowDown}{Enter}");
  expect(asked.filter(({ request }) => request === "link_person")).toEqual([
    { request: "link_person", call: "c1", record: lovelace.record, remember: "number" },
  ]);
  await waitFor(() => expect(screen.queryByRole("searchbox")).toBeNull());
});

test("escape_empties_the_search_first_then_closes_it_and_goes_no_further", async () => {
  const { user } = open({ people: nobody }, crmAnswers());
  const further: string[] = [];
  const listen = (event: KeyboardEvent) => void (event.defaultPrevented || further.push(event.key));
  window.addEventListener("keydown", listen);
  await user.click(screen.getByRole("button", { name: "Find" }));
  const input = await screen.findByRole("searchbox");
  await user.type(input, "ada");
  further.length = 0;
  await user.keyboard("{Escape}");
  expect(input).toHaveProperty("value", "");
  await user.keyboard("{Escape}");
  expect(screen.queryByRole("searchbox")).toBeNull();
  expect(further).toEqual([]);
  window.removeEventListener("keydown", listen);
});

test("a_new_contact_is_made_on_request_only_and_a_refusal_keeps_what_was_typed", async () => {
  const { user, asked } = open({ people: nobody }, crmAnswers());
  expect(asked).toEqual([]);
  await user.click(screen.getByRole("button", { name: "New contact…" }));
  const name = await screen.findByLabelText(/^Name/);
  await waitFor(() => expect(asked).toEqual([{ request: "person_forms", call: "c1" }]));
  await user.type(name, "Ada King");
  await user.selectOptions(screen.getByLabelText("Language"), "Русский");
  await user.click(screen.getByRole("checkbox", { name: "A person, not a company" }));
  await expectAccessible();
  await user.click(screen.getByRole("button", { name: "Make it in Tryton" }));
  expect(asked.at(-1)).toEqual({
    request: "create_person",
    source: "tryton",
    call: "c1",
    fields: { name: "Ada King", number: "+44 20 7946 0958", language: "Русский", is_person: "false" },
  });
  expect((await screen.findByRole("alert")).textContent).toContain("Tryton says: “The party’s name is taken.”");
  expect(screen.getByLabelText(/^Name/)).toHaveProperty("value", "Ada King");
});

test("another_sources_form_leaves_the_first_one_as_it_was_filled_in", async () => {
  const { user } = open({ people: nobody }, () => ({ answer: "forms", forms }));
  await user.click(screen.getByRole("button", { name: "New contact…" }));
  await user.type(await screen.findByLabelText(/^Name/), "Ada");
  await user.selectOptions(screen.getByLabelText("New contact in"), "odoo");
  expect(screen.getByLabelText(/^Contact name/)).toHaveProperty("value", "");
  await user.selectOptions(screen.getByLabelText("New contact in"), "tryton");
  expect(screen.getByLabelText(/^Name/)).toHaveProperty("value", "Ada");
});

test("a_link_is_opened_by_the_host_and_one_that_would_run_here_is_not_offered", async () => {
  const links: string[] = [];
  const openLink = async (url: string) => {
    links.push(url);
    return "There is no browser.";
  };
  const { user, rerender } = open({ people: ada }, undefined, openLink);
  expect(document.querySelector("a")).toBeNull();
  await user.click(screen.getByRole("button", { name: "Open in Tryton" }));
  expect(links).toEqual(["https://crm.example.com/#party/7"]);
  expect((await screen.findByRole("alert")).textContent).toContain("There is no browser.");
  await rerender({ people: { found: "one", person: { ...lovelace, url: "javascript:alert(1)", facts: [] } } });
  expect(screen.queryByRole("button", { name: /Open in/ })).toBeNull();
});

test("in_a_browser_a_link_is_a_link_that_gives_nothing_away", () => {
  open({ people: ada });
  const link = screen.getByRole("link", { name: "Open in Tryton" }) as HTMLAnchorElement;
  expect([link.href, link.target, link.rel]).toEqual([lovelace.url, "_blank", "noopener noreferrer"]);
});

test("hostile_values_in_every_field_are_short_texts", () => {
  const long = HOSTILE.repeat(20_000);
  const url = "javascript:alert(1)//";
  const person = somebody({
    name: long,
    company: long,
    note: long,
    source: long,
    email: long,
    owner: long,
    url,
    numbers: [long],
    facts: Array.from({ length: 50 }, () => ({ label: long, value: long, url })),
  });
  const sources = [found(long, 1), failing(long, long), failing(long, long), asking(long)];
  const remembered = { by: long, at: 0, line: long };
  const { unmount } = open({ people: { found: "one", person }, sources, remembered, line: long });
  expectNothingInjected();
  expect(document.querySelector("a")).toBeNull();
  expect(document.body.outerHTML.length).toBeLessThan(30_000);
  unmount();
  open({ people: { found: "several", people: [person, person, person] }, sources, line: long });
  expectNothingInjected();
  expect(screen.getAllByRole("listitem")).toHaveLength(3);
  expect(document.body.outerHTML.length).toBeLessThan(30_000);
});

test("hostile_forms_and_finds_are_texts", async () => {
  const bad = { en: HOSTILE };
  const field = { title: bad, help: bad, kind: "text", required: false, value: HOSTILE, is_stored: false } as const;
  const fields = [
    { ...field, name: HOSTILE, options: [] },
    { ...field, name: "s", kind: "select" as const, options: [HOSTILE] },
    { ...field, name: "constructor", options: [] },
  ];
  const { user } = open({ people: nobody }, (request) =>
    request.request === "person_forms"
      ? { answer: "forms", forms: [{ source: HOSTILE, title: HOSTILE, fields }] }
      : {
          answer: "found",
          people: [somebody({ name: HOSTILE, numbers: [HOSTILE] })],
          sources: [failing("x", HOSTILE)],
        },
  );
  await user.click(screen.getByRole("button", { name: "New contact…" }));
  expect((await screen.findAllByLabelText(HOSTILE)).length).toBe(3);
  expectNothingInjected();
  await user.click(screen.getByRole("button", { name: "Cancel the new contact" }));
  await user.click(screen.getByRole("button", { name: "Find" }));
  await user.type(await screen.findByRole("searchbox"), "ada");
  await screen.findAllByText(HOSTILE, { exact: false });
  expectNothingInjected();
});

interface Given {
  people: People;
  [prop: string]: unknown;
}

function open(
  given: Given,
  answer: (request: Request) => Answer = () => ({ answer: "done" }),
  openLink?: (url: string) => Promise<string | undefined>,
) {
  const asked: Request[] = [];
  const asker = {
    request: async (request: Request) => {
      asked.push(request);
      return answer(request);
    },
    ...(openLink && { openLink }),
  };
  const { rerender, unmount } = render(WhoIs, {
    props: {
      asker,
      call: "c1",
      number: "+44 20 7946 0958",
      line: "Sales",
      sources: [found("Tryton", 84)],
      remembered: null,
      tools: true,
      ...given,
    },
  });
  return { asked, user: userEvent.setup(), rerender, unmount };
}

function text(element: Element | null): string {
  return element?.textContent?.replace(/\s+/g, " ").trim() ?? "";
}
