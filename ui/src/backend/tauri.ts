// The real host: the Tauri program `sidetone-ui`.
import { Channel, invoke } from "@tauri-apps/api/core";
import type { Reply } from "../types/Reply";
import type { Request } from "../types/Request";
import type { Backend, LaidOut, News, Painted } from "./backend";

export class TauriBackend implements Backend {
  request(request: Request): Promise<Reply> {
    return invoke<Reply>("request", { request });
  }

  subscribe(onNews: (news: News) => void): void {
    const channel = new Channel<News>();
    channel.onmessage = onNews;
    void invoke("subscribe", { channel });
  }

  laidOut(what: LaidOut): Promise<void> {
    return invoke("laid_out", { what });
  }

  painted(what: Painted): Promise<void> {
    return invoke("painted", { what });
  }

  takeKeyboard(): Promise<void> {
    return invoke("take_keyboard");
  }
}
