// Words that several of the administrator's pages share.
import type { PbxLine } from "../wire/PbxLine";

const when = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });

export function moment(at: number): string {
  return when.format(at);
}

export function lineWords(line: PbxLine): string {
  return line.line === "up" ? line.version : line.words;
}

/** "a, b  c" → ["a", "b", "c"] */
export function listed(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean);
}
