// Who is in which group and in which order, and who is found: changes when people come or go, not when a lamp does.
import type { Extension } from "../wire/Extension";

export interface Colleague {
  /** Of the fact: `101@main`. */
  key: string;
  name: string;
  extension: string;
  groups: string[];
  /** What the search looks into, in lower case. */
  haystack: string;
}

export interface Group {
  /** Unlike every group's own name: two of them may be called alike. */
  id: string;
  name: string;
  keys: string[];
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Everybody, by name and then by number; nameless extensions by number after them. */
export function everybody(extensions: Iterable<readonly [string, Extension]>): Colleague[] {
  const all = [...extensions].map(([key, { name, extension, groups }]) => ({
    key,
    name,
    extension,
    groups,
    haystack: `${name} ${extension} ${groups.join(" ")}`.toLocaleLowerCase(),
  }));
  return all.sort(
    (a, b) =>
      Number(a.name === "") - Number(b.name === "") ||
      collator.compare(a.name, b.name) ||
      collator.compare(a.extension, b.extension),
  );
}

/** Who has every word of the text somewhere in name, number or group. */
export function found(colleagues: Colleague[], text: string): Colleague[] {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return colleagues;
  return colleagues.filter(({ haystack }) => words.every((word) => haystack.includes(word)));
}

/** Favourites, then the groups by name, then who is in none. */
export function grouped(colleagues: Colleague[], isFavourite: (key: string) => boolean): Group[] {
  const byName = new Map<string, string[]>();
  const rest: string[] = [];
  for (const { key, groups } of colleagues) {
    if (groups.length === 0) rest.push(key);
    for (const group of new Set(groups)) {
      const keys = byName.get(group);
      if (keys) keys.push(key);
      else byName.set(group, [key]);
    }
  }
  const named = [...byName]
    .map(([name, keys]) => ({ id: `group ${name}`, name, keys }))
    .sort((a, b) => collator.compare(a.name, b.name));
  const favourites = colleagues.filter(({ key }) => isFavourite(key)).map(({ key }) => key);
  return [
    { id: "favourites", name: "Favourites", keys: favourites },
    ...named,
    { id: "rest", name: named.length > 0 ? "In no group" : "Everybody", keys: rest },
  ].filter(({ keys }) => keys.length > 0);
}
