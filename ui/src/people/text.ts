// What a source says, made fit to be shown: never longer than a line or two, and no link that does more than lead away.
import type { Person } from "../wire/Person";
import type { SourceReport } from "../wire/SourceReport";

/** So much of any text goes into the page; a source may send a book. */
const MOST = 200;

export function short(text: string, most = MOST): string {
  if (text.length <= most) return text;
  // A character of two halves is not cut in two.
  const end = /[\uD800-\uDBFF]/.test(text[most - 1] ?? "") ? most - 1 : most;
  return `${text.slice(0, end)}…`;
}

/** Schemes that would run or show something here instead of leading away. */
const HERE = ["javascript:", "vbscript:", "data:", "blob:", "file:", "about:", "filesystem:", "view-source:"];
const LONGEST_LINK = 2048;

/**
 * Whether a link can be offered. In a browser that is the web alone; on a desktop also the scheme of a program, which the
 * agent compares with those that the source's description names.
 */
export function leadsAway(url: string | null, inBrowser: boolean): url is string {
  if (!url || url.length > LONGEST_LINK || /[\s\p{Cc}]/u.test(url)) return false;
  const scheme = schemeOf(url);
  if (scheme === "https:" || scheme === "http:") return true;
  return !inBrowser && scheme !== undefined && !HERE.includes(scheme);
}

function schemeOf(url: string): string | undefined {
  try {
    return new URL(url).protocol;
  } catch {
    return undefined;
  }
}

/** "Analytical Engines Ltd · met in May" */
export function about(person: Person): string {
  return [person.company, person.note]
    .filter(Boolean)
    .map((text) => short(text!))
    .join(" · ");
}

/** Where two sources know the person, either may have given the link. */
export function recordLabel({ source }: Person): string {
  return source === "" || source.includes(", ") ? "Open the record" : `Open in ${short(source, 40)}`;
}

/** "Tryton 84 ms", "not in Odoo (12 ms)": what a source that has answered said, in few words. */
export function said(report: SourceReport): string {
  const name = short(report.source, 40);
  // Below a millisecond nobody was asked over a line.
  const took = report.took_ms ? `${report.took_ms} ms` : "";
  const how = report.cached ? "asked earlier" : took;
  switch (report.state) {
    case "asking":
      return `asking ${name}`;
    case "found":
      return report.cached ? `${name}, ${how}` : [name, how].filter(Boolean).join(" ");
    case "nobody":
      return how ? `not in ${name} (${how})` : `not in ${name}`;
    case "failed":
      return `${name} failed`;
  }
}

/** The same record is the same person, wherever it stands in a list. */
export function keyOf({ record }: Person): string {
  return `${record.source}\n${record.kind}\n${record.id}`;
}
