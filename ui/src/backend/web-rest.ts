// REST by fetch. Whatever comes back instead of JSON (a proxy's page, silence) becomes a sentence.
import type { Failure } from "../wire/Failure";
import { Failed, type Query, type Rest } from "../web/host";

const DEADLINE_MS = 15_000;
/** A file may take its time. */
const FILE_DEADLINE_MS = 300_000;

const NO_ANSWER = "The server does not answer. Look at your network and try again.";
const NONSENSE =
  "A web page came instead of the server's answer: something between this browser and the server answers in its place. Ask your administrator.";

export interface RestOptions {
  /** Up to and with `/api/v1`. */
  base: string;
  token: () => string | undefined;
  /** The server does not know the token any more. */
  onsignedout: (words: string) => void;
}

export class WebRest implements Rest {
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  get<T>(path: string, query?: Query): Promise<T> {
    return this.#json("GET", path, undefined, query);
  }

  post<T>(path: string, body?: unknown, patience?: number): Promise<T> {
    return this.#json("POST", path, body, undefined, patience);
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.#json("PUT", path, body);
  }

  async delete(path: string): Promise<void> {
    await this.#json("DELETE", path);
  }

  async download(path: string, name: string, query?: Query): Promise<void> {
    const response = await this.#send("GET", path, undefined, query, FILE_DEADLINE_MS);
    if (isPage(response)) throw nonsense();
    const url = URL.createObjectURL(await response.blob().catch(() => Promise.reject(noAnswer())));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    // The browser has begun by then; at once would be too early for some.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  async #json<T>(
    method: string,
    path: string,
    body?: unknown,
    query?: Query,
    deadline: number = DEADLINE_MS,
  ): Promise<T> {
    const response = await this.#send(method, path, body, query, deadline);
    const text = await response.text().catch(() => Promise.reject(noAnswer()));
    if (text === "") return undefined as T;
    const value = json(text);
    if (value === undefined) throw nonsense();
    return value as T;
  }

  /** An answer that is not a failure. */
  async #send(
    method: string,
    path: string,
    body: unknown,
    query: Query | undefined,
    deadline: number,
  ): Promise<Response> {
    const response = await fetch(this.#options.base + path + queryText(query), {
      method,
      headers: this.#headers(body),
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(deadline),
    }).catch(() => Promise.reject(noAnswer()));
    if (response.ok) return response;
    const failure = failureOf(json(await response.text().catch(() => "")), response.status);
    if (failure.code === "unauthenticated" && this.#options.token()) this.#options.onsignedout(failure.message);
    throw new Failed(failure);
  }

  #headers(body: unknown): Record<string, string> {
    const token = this.#options.token();
    return {
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    };
  }
}

function queryText(query: Query | undefined): string {
  const given = Object.entries(query ?? {}).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPage(response: Response): boolean {
  return (response.headers.get("content-type") ?? "").includes("text/html");
}

function failureOf(value: unknown, status: number): Failure {
  const isFailure = typeof value === "object" && value !== null && "code" in value && "message" in value;
  if (isFailure) return value as Failure;
  if (status === 502 || status === 503 || status === 504) return noAnswer().failure;
  return { code: "internal", message: `${NONSENSE} (HTTP ${status})` };
}

function noAnswer(): Failed {
  return new Failed({ code: "unknown", message: NO_ANSWER });
}

function nonsense(): Failed {
  return new Failed({ code: "internal", message: NONSENSE });
}
