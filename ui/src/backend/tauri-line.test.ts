import { flushSync } from "svelte";
import { afterEach, expect, test, vi } from "vitest";
import { EVERYTHING, ONLY_MINE } from "../presence/line.svelte";
import { Store } from "../store.svelte";
import { extension } from "../testing/firm";
import { state } from "../testing/samples";
import type { Reply } from "../types/Reply";
import type { Request } from "../types/Request";
import { FakeBackend } from "./fake";
import { TauriLine } from "./tauri-line";
import { DEADLINE_MS } from "./wishing";

afterEach(() => void vi.useRealTimers());

test("facts_from_nothing_void_what_was_known_and_others_are_laid_over", () => {
  const { backend, line } = open();
  expect(line.facts.known).toBe(false);
  backend.facts([extension("102", "Boris")], true);
  backend.facts([extension("103", "Chen")]);
  expect(names(line)).toEqual(["Boris", "Chen"]);
  backend.facts([extension("104", "Dora")], true);
  expect(names(line)).toEqual(["Dora"]);
  line.close();
  backend.facts([], true);
  expect(names(line)).toEqual(["Dora"]);
});

test("a_wish_is_sent_with_its_id_and_twice_is_once", async () => {
  const { backend, line } = open(() => ({ reply: "answer", value: { answer: "done" } }));
  const wish = { request: "dial", text: "102" } as const;
  const answers = await Promise.all([line.request(wish, "w1"), line.request(wish, "w1")]);
  expect(answers).toEqual([{ answer: "done" }, { answer: "done" }]);
  expect(backend.asked("wish")).toEqual([{ request: "wish", request_id: "w1", wish }]);
});

test("a_refusal_keeps_its_words_and_a_host_that_is_gone_leaves_it_unknown", async () => {
  const wish = { request: "cancel", dial: "d1" } as const;
  const refused = open(() => ({ reply: "refused", value: { code: "bad_request", words: "Not so." } }));
  expect(await refused.line.request(wish)).toMatchObject({ answer: "failed", code: "refused", message: "Not so." });
  const gone = open(() => Promise.reject(new Error("the windows are ending")));
  expect(await gone.line.request(wish)).toMatchObject({ answer: "failed", code: "unknown" });
});

test("an_answer_that_never_comes_is_unknown", async () => {
  vi.useFakeTimers();
  const { line } = open(() => new Promise(() => undefined));
  const answered = line.request({ request: "cancel", dial: "d1" });
  await vi.advanceTimersByTimeAsync(DEADLINE_MS);
  expect(await answered).toMatchObject({ answer: "failed", code: "unknown" });
});

test("to_follow_is_a_yes_or_a_no", () => {
  const { backend, line } = open();
  line.follow(EVERYTHING);
  line.follow(ONLY_MINE);
  expect(backend.asked("follow").map(({ on }) => on)).toEqual([true, false]);
});

test("the_line_stands_as_the_agents_connection", () => {
  const { backend, line } = open();
  expect(line.status).toMatchObject({ line: "up" });
  const away = { state: "away", words: "It does not answer.", retry_at: 7 } as const;
  flushSync(() => backend.change({ part: "connection", value: away }));
  expect(line.status).toEqual({ line: "away", words: "It does not answer.", retryAt: 7 });
});

function open(answer?: (request: Request) => Reply | Promise<Reply>) {
  const backend = new FakeBackend(state(), answer);
  return { backend, line: new TauriLine(new Store(backend)) };
}

function names(line: TauriLine): string[] {
  return line.facts.extensions.values().map(({ name }) => name);
}
