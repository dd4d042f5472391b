import { expect, test } from "vitest";
import { extension, thousand } from "../testing/firm";
import type { Fact } from "../wire/Fact";
import { everybody, found, grouped, type Group } from "./directory";
import { firstPlace, HEADER_HEIGHT, layOut, rowOf, step, TILE_HEIGHT, visible, type Layout } from "./grid";

const nobody = () => false;
const allOpen = () => true;

test("people_stand_by_name_and_the_nameless_after_them", () => {
  const order = people(extension("110", ""), extension("103", "Chen"), extension("102", "boris"), extension("99", ""));
  expect(order.map(({ extension }) => extension)).toEqual(["102", "103", "99", "110"]);
});

test("a_search_finds_parts_of_name_number_and_group_in_any_order", () => {
  const all = people(extension("102", "Boris Orlov", { groups: ["Sales"] }), extension("103", "Chen Wei"));
  const names = (text: string) => found(all, text).map(({ name }) => name);
  expect(names("orl bor")).toEqual(["Boris Orlov"]);
  expect(names("103")).toEqual(["Chen Wei"]);
  expect(names("SALES")).toEqual(["Boris Orlov"]);
  expect(names("  ")).toHaveLength(2);
  expect(names("zz")).toEqual([]);
});

test("favourites_come_first_and_stand_in_their_groups_as_well", () => {
  const all = people(extension("102", "Boris", { groups: ["Sales", "Sales"] }), extension("103", "Chen"));
  const groups = grouped(all, (key) => key === "102@main");
  expect(groups.map(({ name, keys }) => [name, keys])).toEqual([
    ["Favourites", ["102@main"]],
    ["Sales", ["102@main"]],
    ["In no group", ["103@main"]],
  ]);
});

test("a_group_that_is_called_like_ours_stays_apart", () => {
  const all = people(extension("102", "Boris", { groups: ["Favourites"] }));
  const ids = grouped(all, () => true).map(({ id }) => id);
  expect(new Set(ids).size).toBe(2);
});

test("of_a_thousand_only_the_rows_in_the_window_and_the_focused_one_are_there", () => {
  const layout = layOut(grouped(people(...thousand()), nobody), 4, allOpen);
  expect(layout.rows).toHaveLength(1 + 250);
  expect(layout.height).toBe(HEADER_HEIGHT + 250 * TILE_HEIGHT);
  const seen = visible(layout, 5000, 660);
  expect(seen.length).toBeLessThanOrEqual(660 / TILE_HEIGHT + 4);
  expect(seen[0]!.top).toBeLessThanOrEqual(5000);
  expect(seen.at(-1)!.top + TILE_HEIGHT).toBeGreaterThanOrEqual(5660);
  const first = firstPlace(layout)!;
  expect(visible(layout, 5000, 660, first)).toContain(rowOf(layout, first));
});

test("a_closed_group_is_its_header_alone", () => {
  const layout = layOut(abc(), 2, (group) => group !== "a");
  expect(layout.rows.map(({ group, kind }) => `${group} ${kind}`)).toEqual(["a header", "b header", "b tiles"]);
});

test("groups_whose_names_look_like_rows_of_others_have_rows_of_their_own", () => {
  const named = (name: string): Group => ({ id: `group ${name}`, name, keys: ["1", "2"] });
  const { rows } = layOut([named("A"), named("A 0"), named("A header"), named("A header 0")], 1, allOpen);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
});

test("arrow_keys_reach_every_tile_and_header_and_stop_at_the_ends", () => {
  const layout = layOut(abc(), 2, allOpen);
  expect(walk(layout, "ArrowRight", 9)).toEqual(["a:-", "a:1", "a:2", "a:3", "b:-", "b:4", "b:4", "b:4", "b:4"]);
  expect(walk(layout, "ArrowDown", 6)).toEqual(["a:-", "a:1", "a:3", "b:-", "b:4", "b:4"]);
  expect(step(layout, { group: "b", key: "4" }, "Home", 5)).toEqual({ group: "a", key: null });
  expect(step(layout, { group: "a", key: null }, "End", 5)).toEqual({ group: "b", key: "4" });
  expect(step(layout, { group: "a", key: "2" }, "ArrowDown", 5)).toEqual({ group: "a", key: "3" });
  expect(step(layout, { group: "a", key: "1" }, "x", 5)).toBeUndefined();
});

function people(...facts: Fact[]) {
  return everybody(facts.flatMap((fact) => (fact.fact === "extension" ? [[fact.key, fact.value!] as const] : [])));
}

function abc(): Group[] {
  return [
    { id: "a", name: "A", keys: ["1", "2", "3"] },
    { id: "b", name: "B", keys: ["4"] },
  ];
}

function walk(layout: Layout, key: string, steps: number): string[] {
  let at = { group: "a", key: null as string | null };
  return Array.from({ length: steps }, () => {
    const said = `${at.group}:${at.key ?? "-"}`;
    at = step(layout, at, key, 5)!;
    return said;
  });
}
