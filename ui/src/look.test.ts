import css from "./look.css?raw";
import { expect, test } from "vitest";

/** The colours of one theme; those of the dark one stand in the second `:root`. */
function theme(which: 0 | 1): Record<string, string> {
  const block = [...css.matchAll(/:root\s*{([^}]*)}/g)][which]![1]!;
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1]!, m[2]!]));
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const texts: [string, string][] = [
  ...["ink", "ink-2", "ink-3", "miss", "talk", "ring", "away"].flatMap((ink) =>
    ["bg", "surface", "raised"].map((ground): [string, string] => [ink, ground]),
  ),
  ...["ink", "ink-2", "ink-3", "accent", "miss"].map((ink): [string, string] => [ink, "accent-soft"]),
  ...["accent"].flatMap((ink) => ["surface", "raised", "bg"].map((ground): [string, string] => [ink, ground])),
  ["ring", "ring-soft"],
  ["talk", "talk-soft"],
  ["miss", "miss-soft"],
  ["away", "away-soft"],
  ...["ring-soft", "talk-soft", "miss-soft", "away-soft"].map((ground): [string, string] => ["ink-2", ground]),
  ["miss", "ring-soft"],
  ["miss", "talk-soft"],
  ["accent-ink", "accent"],
  ["accent-ink", "accent-press"],
];

test.each([0, 1] as const)("text_stands_out_by_four_and_a_half_to_one_in_theme_%i", (which) => {
  const colours = theme(which);
  const weak = texts
    .map(([ink, ground]) => ({ ink, ground, ratio: contrast(colours[ink]!, colours[ground]!) }))
    .filter(({ ratio }) => !(ratio >= 4.5));
  expect(weak).toEqual([]);
});

test.each([0, 1] as const)("edges_of_controls_stand_out_by_three_to_one_in_theme_%i", (which) => {
  const colours = theme(which);
  for (const ground of ["bg", "surface", "raised"]) {
    expect(contrast(colours["edge"]!, colours[ground]!), ground).toBeGreaterThanOrEqual(3);
  }
});
