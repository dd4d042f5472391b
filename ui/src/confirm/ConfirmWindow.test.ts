import { screen, waitFor, within } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { confirm, HOSTILE, state } from "../testing/samples";
import { expectAccessible, expectNothingInjected, open } from "../testing/open";
import ConfirmWindow from "./ConfirmWindow.svelte";
import { somebody } from "../testing/people";

const call = () => screen.getByRole("button", { name: "Call from 101" }) as HTMLButtonElement;
const ready = () => waitFor(() => expect(call().disabled).toBe(false), { timeout: 2000 });

test("shows_who_asks_who_is_called_and_exactly_what_is_dialled", async () => {
  open(ConfirmWindow, state({ confirm: confirm() }));
  expect(screen.getByText("Chromium")).toBeTruthy();
  expect(screen.getByRole("heading", { name: "Ada Lovelace" })).toBeTruthy();
  expect(screen.getByText("+44 20 7946 0958")).toBeTruthy();
  expect(screen.getByText("902079460958")).toBeTruthy();
  await expectAccessible();
});

test.each(["c", "{Enter}"])("%s_calls_once_however_often_it_is_pressed", async (key) => {
  const { user, backend } = open(ConfirmWindow, state({ confirm: confirm() }));
  await ready();
  await user.keyboard(key + key);
  expect(backend.requests).toEqual([{ request: "confirm_dial", confirm: "q1", always: false }]);
});

test("a_key_that_was_meant_for_another_window_does_not_dial", async () => {
  const { user, backend } = open(ConfirmWindow, state({ confirm: confirm() }));
  await user.keyboard("{Enter}c");
  expect(backend.requests).toEqual([]);
  expect(call().disabled).toBe(true);
});

test("escape_and_not_now_say_no", async () => {
  const { user, backend } = open(ConfirmWindow, state({ confirm: confirm() }));
  await user.keyboard("{Escape}");
  await user.click(screen.getByRole("button", { name: "Not now" }));
  expect(backend.requests).toEqual([
    { request: "dismiss_confirm", confirm: "q1" },
    { request: "dismiss_confirm", confirm: "q1" },
  ]);
});

test("always_is_offered_for_a_known_program_only_and_kept", async () => {
  const { user, backend, change } = open(ConfirmWindow, state({ confirm: confirm() }));
  await user.click(screen.getByRole("checkbox", { name: "Always call at once from Chromium" }));
  await ready();
  await user.click(call());
  expect(backend.asked("confirm_dial")).toEqual([{ request: "confirm_dial", confirm: "q1", always: true }]);
  // The next link starts afresh.
  change({ part: "confirm", value: confirm({ id: "q2", program: null }) });
  expect(screen.queryByRole("checkbox")).toBeNull();
  await ready();
  await user.click(call());
  expect(backend.asked("confirm_dial")[1]).toEqual({ request: "confirm_dial", confirm: "q2", always: false });
});

test("why_lists_every_step", async () => {
  const { user } = open(ConfirmWindow, state({ confirm: confirm() }));
  await user.keyboard("w");
  const steps = within(screen.getByRole("list", { name: /came about/ })).getAllByRole("listitem");
  expect(steps).toHaveLength(4);
  expect(screen.getByRole("button", { name: "Why this number?" }).getAttribute("aria-expanded")).toBe("true");
  await expectAccessible();
});

test("trouble_greys_the_call_and_says_why", async () => {
  const { user, backend } = open(ConfirmWindow, state({ confirm: confirm({ trouble: "The phone system is away." }) }));
  expect(screen.getByRole("alert").textContent).toContain("The phone system is away.");
  await ready();
  await user.click(call());
  expect(backend.requests).toEqual([]);
});

test("a_feature_code_is_asked_about_in_words", () => {
  const explanation = { ...confirm().explanation, question: "*21# may change how your phone works. Dial it?" };
  open(ConfirmWindow, state({ confirm: confirm({ explanation } as never) }));
  expect(screen.getByText("*21# may change how your phone works. Dial it?")).toBeTruthy();
});

test("a_link_without_a_number_gets_a_sentence_and_no_call_button", async () => {
  const explanation = { verdict: "refused" as const, words: "There is no number in this link.", steps: [] };
  open(ConfirmWindow, state({ confirm: confirm({ explanation }) }));
  expect(screen.getByText("There is no number in this link.")).toBeTruthy();
  expect(screen.queryByRole("button", { name: /^Call/ })).toBeNull();
  await expectAccessible();
});

test("hostile_texts_stay_texts", () => {
  const person = somebody({ name: HOSTILE, company: HOSTILE, note: HOSTILE, source: HOSTILE });
  const step = { what: HOSTILE, result: HOSTILE };
  open(
    ConfirmWindow,
    state({
      confirm: confirm({
        program: HOSTILE,
        text: HOSTILE,
        from_extension: HOSTILE,
        trouble: HOSTILE,
        explanation: {
          verdict: "dials",
          kind: "short",
          display: HOSTILE,
          dials: HOSTILE,
          steps: [step],
          question: HOSTILE,
          people: { found: "one", person },
        },
      }),
    }),
  );
  expect(screen.getAllByText(HOSTILE).length).toBeGreaterThan(3);
  expectNothingInjected();
});

const enrolment = {
  id: "e1",
  host: "pbx.example",
  is_plain: false,
  program: "Chromium",
  replaces: "old-pbx",
  step: "asking" as const,
};
const connect = () => screen.getByRole("button", { name: "Connect" }) as HTMLButtonElement;

test("a_link_to_a_server_shows_the_host_and_connects_after_a_yes", async () => {
  const { user, backend } = open(ConfirmWindow, state({ enrolment, confirm: confirm() }));
  expect(screen.getByRole("heading", { name: "pbx.example" })).toBeTruthy();
  expect(screen.getByText("old-pbx")).toBeTruthy();
  await expectAccessible();
  await user.keyboard("{Enter}c");
  expect(backend.requests, "keys meant for another window").toEqual([]);
  await waitFor(() => expect(connect().disabled).toBe(false), { timeout: 2000 });
  await user.keyboard("cc");
  expect(backend.requests).toEqual([{ request: "confirm_enrol", enrolment: "e1" }]);
});

test("a_no_to_a_server_and_its_refusal_are_said_once", async () => {
  const { user, backend, change } = open(ConfirmWindow, state({ enrolment }));
  await user.keyboard("{Escape}");
  expect(backend.requests).toEqual([{ request: "dismiss_enrol", enrolment: "e1" }]);
  change({ part: "enrolment", value: { ...enrolment, host: HOSTILE, step: "failed", words: HOSTILE } });
  expect(screen.getByRole("alert").textContent).toContain("<img");
  expectNothingInjected();
});
