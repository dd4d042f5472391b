// Whether something can be dialled just now, and if not, the one sentence that says why.
import type { Connection } from "./types/Connection";

/** Why nothing can be dialled, or `undefined` when it can. */
export function whyNotNow(connection: Connection): string | undefined {
  return connection.state === "connected" ? undefined : connection.words;
}

/** "office PBX · 4 ms", for the corner of the panel. */
export function connectionInShort(connection: Connection): string {
  switch (connection.state) {
    case "connected":
      return connection.lag_ms === null ? connection.pbx : `${connection.pbx} · ${connection.lag_ms} ms`;
    case "connecting":
      return "connecting";
    case "away":
      return "not connected";
    case "refused":
      return "refused";
    case "not_set_up":
      return "not set up";
  }
}
