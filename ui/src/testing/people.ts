// People for tests and pictures.
import type { Person } from "../wire/Person";

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
