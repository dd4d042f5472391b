// The browser as host of the pages: the only place that knows of its storage, its address bar and its network.
import type { Line } from "../presence/line.svelte";
import type { Beside, Host, Rest } from "../web/host";
import type { Client } from "../wire/Client";
import type { Enrolled } from "../wire/Enrolled";
import type { Interest } from "../wire/Interest";
import { Session } from "./session.svelte";
import { WebLine } from "./web-line";
import { WebRest } from "./web-rest";

/** Remembers that the page was loaded again for a newer version, so that it is not loaded for ever. */
const RELOADED = "sidetone loaded again";

export class WebHost implements Host {
  readonly rest: Rest;
  readonly client: Client = { program: "browser", version: import.meta.env.VITE_VERSION ?? "0", platform: "web" };
  readonly #session: Session;
  readonly #base: string;
  #line: WebLine | undefined;

  /** `base`: where the pages lie, with a slash at its end. */
  constructor(base: string = new URL(".", location.href).href) {
    this.#base = base;
    this.#session = new Session(localStorage, new URL(base).origin);
    this.rest = new WebRest({
      base: `${base}api/v1`,
      token: () => this.#session.token,
      onsignedout: (words) => this.signOut(words),
    });
    addEventListener("online", () => this.#line?.wake());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#line?.wake();
    });
    addEventListener("storage", () => this.#session.look());
  }

  get signedIn(): boolean {
    return this.#session.token !== undefined;
  }

  get signedOutWords(): string {
    return this.#session.words;
  }

  get deviceName(): string {
    return `${browserName(navigator.userAgent)} on ${systemName(navigator.userAgent)}`;
  }

  takeFragment(name: string): string | undefined {
    const value = new URLSearchParams(location.hash.slice(1)).get(name) ?? undefined;
    // A code stays neither in the address bar nor in the history.
    if (value !== undefined) history.replaceState(null, "", location.pathname + location.search);
    return value;
  }

  signIn(enrolled: Enrolled): void {
    this.#line?.close();
    this.#line = undefined;
    this.#session.begin(enrolled.token);
  }

  signOut(words = ""): void {
    this.#line?.close();
    this.#line = undefined;
    this.#session.end(words);
  }

  line(interest: Interest): Line {
    this.#line ??= new WebLine({
      url: `${this.#base.replace(/^http/, "ws")}api/v1/socket`,
      token: this.#session.token ?? "",
      client: this.client,
      interest,
      onsignedout: (words) => this.signOut(words),
      onversion: loadAgainOnce,
    });
    return this.#line;
  }

  goTo(path: string): void {
    location.assign(this.#base + path);
  }

  openBeside(): Beside {
    const page = window.open("about:blank", "_blank");
    // Whoever signs people in there has no business with this page.
    if (page) page.opener = null;
    return {
      goTo: (url) => (page ? page.location.replace(url) : location.assign(url)),
      close: () => page?.close(),
    };
  }
}

function loadAgainOnce(): boolean {
  // A minute later it may be the next update.
  const before = Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - before < 60_000) return false;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  location.reload();
  return true;
}

/** Chromium names itself after everybody else, so the most special name is looked for first. */
function browserName(agent: string): string {
  const names = ["Edg", "OPR", "Firefox", "Chrome", "Safari"] as const;
  const shown = { Edg: "Edge", OPR: "Opera", Firefox: "Firefox", Chrome: "Chrome", Safari: "Safari" };
  const name = names.find((n) => agent.includes(`${n}/`));
  return name ? shown[name] : "Browser";
}

function systemName(agent: string): string {
  if (/Android/.test(agent)) return "Android";
  if (/iPhone|iPad/.test(agent)) return "iOS";
  if (/Windows/.test(agent)) return "Windows";
  if (/Mac OS/.test(agent)) return "macOS";
  return "Linux";
}
