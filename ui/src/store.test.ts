import { expect, test } from "vitest";
import { FakeBackend } from "./backend/fake";
import { Store } from "./store.svelte";
import { card, state } from "./testing/samples";

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

test("a_change_replaces_its_part_and_nothing_else", () => {
  const backend = new FakeBackend(state());
  const store = new Store(backend);
  const before = store.state!;
  backend.change({ part: "cards", value: [card()] });
  expect(store.state!.cards).toHaveLength(1);
  expect(store.state!.settings).toBe(before.settings);
  expect(backend.requests).toEqual([]);
});

test("a_gap_in_the_numbers_is_closed_by_a_snapshot", async () => {
  const backend = new FakeBackend(state());
  const store = new Store(backend);
  backend.loseChange({ part: "cards", value: [card()] });
  backend.change({ part: "me", value: { extension: "102", lamp: "idle", phone_trouble: null } });
  backend.change({ part: "me", value: { extension: "103", lamp: "idle", phone_trouble: null } });
  await settled();
  expect(backend.asked("snapshot")).toHaveLength(1);
  expect(store.state!.cards).toHaveLength(1);
  expect(store.state!.me.extension).toBe("103");
  // And the numbering goes on from there.
  backend.change({ part: "cards", value: [] });
  expect(store.state!.cards).toEqual([]);
  expect(backend.asked("snapshot")).toHaveLength(1);
});

test("changes_that_arrive_while_a_snapshot_is_on_its_way_are_laid_over_it", async () => {
  const backend = new FakeBackend(state());
  const store = new Store(backend);
  backend.loseChange({ part: "recent", value: [] });
  backend.change({ part: "me", value: { extension: "102", lamp: "idle", phone_trouble: null } });
  // The snapshot has been asked for and was made before this one.
  backend.change({ part: "cards", value: [card({ call: "late" })] });
  await settled();
  expect(store.state!.cards.map((c) => c.call)).toEqual(["late"]);
});

test("an_old_change_after_a_newer_snapshot_is_ignored", () => {
  let tell: Parameters<FakeBackend["subscribe"]>[0] = () => {};
  const backend = new FakeBackend(state());
  backend.subscribe = (onNews) => void (tell = onNews);
  const store = new Store(backend);
  tell({ message: "snapshot", receivedAt: 1, snapshot: { seq: 9, state: state() } });
  tell({ message: "change", receivedAt: 2, seq: 8, change: { part: "cards", value: [card()] } });
  expect(store.state!.cards).toEqual([]);
});
