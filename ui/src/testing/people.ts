// People for tests and pictures.
import type { Person } from "../wire/Person";
import type { SourceReport } from "../wire/SourceReport";

/** Somebody of whom a source tells this and nothing else. */
export function somebody(told: Partial<Person>): Person {
  return {
    name: "",
    company: null,
    note: null,
    source: "",
    record: { source: "contacts", kind: "person", id: told.name ?? "" },
    email: null,
    numbers: [],
    owner: null,
    url: null,
    facts: [],
    likely: false,
    ...told,
  };
}

export function found(source: string, took: number | null, people = 1): SourceReport {
  return { source, state: "found", people, took_ms: took, cached: false };
}

export function asking(source: string): SourceReport {
  return { source, state: "asking", took_ms: null, cached: false };
}

export function failing(source: string, words: string): SourceReport {
  return { source, state: "failed", words, took_ms: 1500, cached: false };
}
