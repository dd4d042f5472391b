// Wishes of a window to whoever knows the calls: the agent, or the server behind it.
import { newId } from "../presence/wishes";
import type { Asker } from "../people/asker";
import type { Answer } from "../wire/Answer";
import type { ErrorCode } from "../wire/ErrorCode";
import type { Request } from "../wire/Request";
import type { Backend } from "./backend";

/** The agent answers earlier, if only that it does not know. */
export const DEADLINE_MS = 20_000;

const LATE = "There was no answer. Look whether it was done before you try again.";
const BROKEN = "The program that makes calls was not reached. Look whether it was done before you try again.";
const ODD = "This was answered by something else.";
const NOT_OPENED = "The link was not opened: the program that makes calls was not reached.";

export class Wishing implements Asker {
  readonly #backend: Backend;
  readonly #running = new Map<string, Promise<Answer>>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The same `id` again while it runs is the same wish. */
  request(request: Request, id: string = newId()): Promise<Answer> {
    const running = this.#running.get(id);
    if (running) return running;
    const answered = this.#ask(request, id).finally(() => this.#running.delete(id));
    this.#running.set(id, answered);
    return answered;
  }

  async openLink(url: string): Promise<string | undefined> {
    try {
      const reply = await this.#backend.request({ request: "open_link", url });
      return reply.reply === "refused" ? reply.value.words : undefined;
    } catch {
      return NOT_OPENED;
    }
  }

  async #ask(wish: Request, id: string): Promise<Answer> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<Answer>((resolve) => {
      timer = setTimeout(() => resolve(failed("unknown", LATE)), DEADLINE_MS);
    });
    try {
      return await Promise.race([late, this.#reply(wish, id)]);
    } catch {
      return failed("unknown", BROKEN);
    } finally {
      clearTimeout(timer);
    }
  }

  async #reply(wish: Request, id: string): Promise<Answer> {
    const reply = await this.#backend.request({ request: "wish", request_id: id, wish });
    if (reply.reply === "answer") return reply.value;
    return reply.reply === "refused" ? failed("refused", reply.value.words) : failed("internal", ODD);
  }
}

function failed(code: ErrorCode, message: string): Answer {
  return { answer: "failed", code, message };
}
