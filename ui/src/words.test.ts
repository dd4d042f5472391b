import { expect, test } from "vitest";
import { day, lasting, roughly, who } from "./words";
import { somebody } from "./testing/people";

test("times_read_like_a_stopwatch", () => {
  expect(lasting(0, 4_400)).toBe("0:04");
  expect(lasting(0, 750_000)).toBe("12:30");
  expect(lasting(0, 3_723_000)).toBe("1:02:03");
  // The agent's clock may be a moment ahead.
  expect(lasting(1000, 0)).toBe("0:00");
});

test("what_is_over_is_told_roughly", () => {
  expect(roughly(40)).toBe("40 s");
  expect(roughly(372)).toBe("6 min");
  expect(roughly(3900)).toBe("1 h 5 min");
});

test("yesterday_begins_at_midnight", () => {
  const noon = new Date(2026, 2, 10, 12).getTime();
  expect(day(new Date(2026, 2, 10, 0, 1).getTime(), noon)).toBe("Today");
  expect(day(new Date(2026, 2, 9, 23, 59).getTime(), noon)).toBe("Yesterday");
  expect(day(new Date(2026, 2, 2, 12).getTime(), noon)).toContain("2");
});

test("a_caller_is_named_by_person_then_phone_system_then_number", () => {
  const number = "+44 20 7946 0958";
  const one = { found: "one", person: somebody({ name: "Ada" }) } as const;
  expect(who({ party: { number, name: "ADA L" }, people: one })).toBe("Ada");
  expect(who({ party: { number, name: "ADA L" }, people: { found: "nobody" } })).toBe("ADA L");
  expect(who({ party: { number, name: null }, people: { found: "asking" } })).toBe(number);
  expect(who({ party: { number: null, name: null }, people: { found: "nobody" } })).toBe("Number withheld");
});
