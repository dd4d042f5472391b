import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { asking, found, somebody } from "../testing/people";
import type { Answer } from "../wire/Answer";
import type { Request } from "../wire/Request";
import { Search } from "./found.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("quick_letters_are_one_question", async () => {
  const { search, asked } = open(async () => answer("Ada"));
  for (const text of ["l", "lo", "lov", "love"]) {
    search.look(text);
    await vi.advanceTimersByTimeAsync(60);
  }
  await vi.advanceTimersByTimeAsync(200);
  expect(asked()).toEqual(["love"]);
  expect(names(search)).toEqual(["Ada"]);
  expect([search.busy, search.foundFor]).toEqual([false, "love"]);
});

test("while_a_source_still_searches_the_same_is_asked_again", async () => {
  const answers = [answer("Ada", true), answer("Ada, Boris", true), answer("Ada, Boris, Chen")];
  const { search, asked } = open(async () => answers.shift()!);
  search.look("an");
  await vi.advanceTimersByTimeAsync(150);
  expect([names(search), search.busy]).toEqual([["Ada"], true]);
  await vi.advanceTimersByTimeAsync(600);
  expect([names(search), search.busy]).toEqual([["Ada", "Boris", "Chen"], false]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked()).toEqual(["an", "an", "an"]);
});

test("a_source_that_never_answers_is_not_asked_for_ever", async () => {
  const { search, asked } = open(async () => answer("Ada", true));
  search.look("an");
  await vi.advanceTimersByTimeAsync(120_000);
  expect(search.busy).toBe(false);
  expect(asked().length).toBeLessThan(60);
});

test("an_answer_to_what_stood_there_before_is_dropped", async () => {
  const late: ((answer: Answer) => void)[] = [];
  const { search } = open(() => new Promise((resolve) => late.push(resolve)));
  search.look("ada");
  await vi.advanceTimersByTimeAsync(200);
  search.look("boris");
  await vi.advanceTimersByTimeAsync(200);
  late[1]!(answer("Boris"));
  await vi.advanceTimersByTimeAsync(0);
  late[0]!(answer("Ada"));
  await vi.advanceTimersByTimeAsync(0);
  expect(names(search)).toEqual(["Boris"]);
});

test("one_letter_asks_nobody_and_an_emptied_field_forgets", async () => {
  const { search, asked } = open(async () => answer("Ada"));
  search.look("a ");
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked()).toEqual([]);
  search.look("ad");
  await vi.advanceTimersByTimeAsync(1000);
  search.look("");
  expect(names(search)).toEqual([]);
});

test("what_cannot_be_asked_is_a_sentence", async () => {
  const { search } = open(async () => ({ answer: "failed", code: "unknown", message: "There is no line." }));
  search.look("ada");
  await vi.advanceTimersByTimeAsync(1000);
  expect([search.words, search.busy]).toEqual(["There is no line.", false]);
});

function open(reply: (request: Request) => Promise<Answer>) {
  const requests: Request[] = [];
  const search = new Search({
    request: (request) => {
      requests.push(request);
      return reply(request);
    },
  });
  return { search, asked: () => requests.map((one) => (one.request === "find_people" ? one.text : one.request)) };
}

function answer(people: string, stillSearching = false): Answer {
  return {
    answer: "found",
    people: people.split(", ").map((name) => somebody({ name })),
    sources: [found("Book", 0), stillSearching ? asking("CRM") : found("CRM", 90)],
  };
}

function names(search: Search): string[] {
  return search.people.map(({ name }) => name);
}
