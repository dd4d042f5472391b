import { flushSync } from "svelte";
import { expect, test } from "vitest";
import { extension, firm, thousand } from "../testing/firm";
import type { Fact } from "../wire/Fact";
import { Facts } from "./facts.svelte";

test("a_changed_lamp_is_told_to_who_reads_it_and_to_nobody_else", () => {
  const facts = known(extension("102", "Boris"), extension("103", "Chen"));
  const boris = counted(() => facts.extensions.get("102@main"));
  const chen = counted(() => facts.extensions.get("103@main"));
  const order = counted(() => facts.extensions.keys());
  flushSync(() => facts.changes([extension("102", "Boris", { lamp: "in_use" })]));
  expect([boris(), chen(), order()]).toEqual([2, 1, 1]);
});

test("another_name_or_group_is_told_to_who_reads_the_order", () => {
  const facts = known(extension("102", "Boris"));
  const order = counted(() => facts.extensions.keys());
  flushSync(() => facts.changes([extension("102", "Boris Orlov")]));
  flushSync(() => facts.changes([extension("102", "Boris Orlov", { groups: ["Sales"] })]));
  expect(order()).toBe(3);
});

test("who_reads_a_key_that_comes_later_is_told", () => {
  const facts = known();
  const seen: (string | undefined)[] = [];
  watch(() => seen.push(facts.extensions.get("102@main")?.name));
  flushSync(() => facts.changes([extension("102", "Boris")]));
  flushSync(() => facts.changes([{ fact: "extension", key: "102@main", value: null }]));
  expect(seen).toEqual([undefined, "Boris", undefined]);
});

test("a_snapshot_voids_what_it_does_not_hold_and_tells_only_what_differs", () => {
  const facts = known(extension("102", "Boris"), extension("103", "Chen"), extension("104", "Dana"));
  const boris = counted(() => facts.extensions.get("102@main"));
  const chen = counted(() => facts.extensions.get("103@main"));
  flushSync(() => facts.snapshot(firm(extension("102", "Boris"), extension("103", "Chen", { lamp: "busy" }))));
  expect(facts.extensions.get("104@main")).toBeUndefined();
  expect([boris(), chen()]).toEqual([1, 2]);
});

test("a_thousand_changes_of_lamps_do_not_touch_the_order", () => {
  const facts = known(...thousand());
  const order = counted(() => facts.extensions.keys());
  for (let i = 0; i < 1000; i++) {
    flushSync(() =>
      facts.changes([extension(String(1000 + i), `Colleague ${String(i).padStart(3, "0")}`, { lamp: "busy" })]),
    );
  }
  expect(order()).toBe(1);
});

test("a_clock_that_is_wrong_here_does_not_make_durations_wrong", () => {
  const facts = known();
  facts.serverClock(Date.now() + 3_600_000);
  expect(Math.abs(facts.now() - Date.now() - 3_600_000)).toBeLessThan(2000);
});

function known(...more: Fact[]): Facts {
  const facts = new Facts();
  facts.snapshot(firm(...more));
  return facts;
}

/** How often what reads this has run. */
function counted(read: () => unknown): () => number {
  let runs = 0;
  watch(() => {
    read();
    runs += 1;
  });
  return () => runs;
}

function watch(what: () => unknown): void {
  $effect.root(() => {
    $effect(() => void what());
  });
  flushSync();
}
