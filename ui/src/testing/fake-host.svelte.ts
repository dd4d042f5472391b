// A host without a browser behind it: canned answers by method and path, and what was asked.
import type { Line } from "../presence/line.svelte";
import { Failed, type Beside, type Host, type Query, type Rest } from "../web/host";
import type { Enrolled } from "../wire/Enrolled";
import type { ErrorCode } from "../wire/ErrorCode";
import { FakeLine } from "./fake-line";
import { firm } from "./firm";

export interface Asked {
  route: string;
  query?: Query;
  body?: unknown;
}

export class FakeHost implements Host {
  readonly client = { program: "browser", version: "0", platform: "web" };
  readonly deviceName = "Firefox on Linux";
  readonly asked: Asked[] = [];
  readonly went: string[] = [];
  readonly fragments: Record<string, string> = {};
  signedOutWords = $state("");
  enrolled = $state.raw<Enrolled>();
  readonly rest: Rest;
  #line: Line;

  /** `answers`: by `GET /path`; a `Failed` is thrown; what is missing is answered by nothing, a function by what it says each time. */
  constructor(answers: Record<string, unknown> = {}, line: Line = new FakeLine(firm())) {
    this.#line = line;
    const answer = async (route: string, more: Omit<Asked, "route"> = {}) => {
      this.asked.push({ route, ...more });
      if (answers[route] instanceof Failed) throw answers[route];
      const told = answers[route];
      return (typeof told === "function" ? told() : told) as never;
    };
    this.rest = {
      get: (path, query) => answer(`GET ${path}`, query ? { query } : {}),
      post: (path, body) => answer(`POST ${path}`, body === undefined ? {} : { body }),
      put: (path, body) => answer(`PUT ${path}`, { body }),
      delete: (path) => answer(`DELETE ${path}`),
      download: (path, name, query) => answer(`DOWNLOAD ${path} as ${name}`, query ? { query } : {}),
    };
  }

  get signedIn(): boolean {
    return this.enrolled !== undefined;
  }

  takeFragment(name: string): string | undefined {
    const value = this.fragments[name];
    delete this.fragments[name];
    return value;
  }

  signIn(enrolled: Enrolled): void {
    this.enrolled = enrolled;
  }

  signOut(words = ""): void {
    this.signedOutWords = words;
    this.enrolled = undefined;
  }

  line(): Line {
    return this.#line;
  }

  /** Pages opened beside this one: where they went, "" while they wait, "closed" when they were given up. */
  readonly beside: string[] = [];
  openBeside(): Beside {
    const at = this.beside.push("") - 1;
    return { goTo: (url) => (this.beside[at] = url), close: () => (this.beside[at] = "closed") };
  }

  goTo(path: string): void {
    this.went.push(path);
  }
}

export function refusal(message: string, code: ErrorCode = "refused"): Failed {
  return new Failed({ code, message });
}
