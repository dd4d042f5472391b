// What the parts about people know of their host: an answer to a wish, and somebody who opens links.
import type { Answer } from "../wire/Answer";
import type { Request } from "../wire/Request";

export interface Asker {
  /** Always answers. */
  request(request: Request): Promise<Answer>;
  /** Has a link opened outside; a sentence where it was not. Absent: this page is in a browser, whose links open. */
  openLink?(url: string): Promise<string | undefined>;
}
