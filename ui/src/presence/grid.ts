// Where the tiles lie, which of them can be seen, and where the arrow keys lead: numbers only, no document.
import type { Group } from "./directory";

export const TILE_HEIGHT = 66;
export const HEADER_HEIGHT = 36;
const TILE_WIDTH = 224;

/** A line of the grid; `top` and `height` in CSS pixels. */
export type Row = { id: string; group: string; index: number; top: number; height: number } & (
  { kind: "header"; name: string; count: number; open: boolean } | { kind: "tiles"; keys: string[] }
);

export interface Layout {
  rows: Row[];
  height: number;
}

/** A header (`key` is `null`) or a tile; the same person may stand in two groups. */
export interface Place {
  group: string;
  key: string | null;
}

export function columnsIn(width: number): number {
  return Math.max(1, Math.floor(width / TILE_WIDTH));
}

export function layOut(groups: Group[], columns: number, isOpen: (group: string) => boolean): Layout {
  const rows: Row[] = [];
  let top = 0;
  for (const { id: group, name, keys } of groups) {
    const open = isOpen(group);
    const place = { group, index: rows.length, top, height: HEADER_HEIGHT };
    rows.push({ kind: "header", id: `${group} header`, name, count: keys.length, open, ...place });
    top += HEADER_HEIGHT;
    for (let at = 0; open && at < keys.length; at += columns) {
      const place = { group, index: rows.length, top, height: TILE_HEIGHT };
      rows.push({ kind: "tiles", id: `${group} ${at}`, keys: keys.slice(at, at + columns), ...place });
      top += TILE_HEIGHT;
    }
  }
  return { rows, height: top };
}

/** The rows between `top` and `top + height`, a row more on either side, and the one that has the focus. */
export function visible(layout: Layout, top: number, height: number, focus?: Place): Row[] {
  const { rows } = layout;
  const from = Math.max(0, firstBelow(rows, top) - 1);
  const until = Math.min(rows.length, firstBelow(rows, top + height) + 1);
  const seen = rows.slice(from, until);
  const kept = focus && rowOf(layout, focus);
  return kept && (kept.index < from || kept.index >= until) ? [...seen, kept] : seen;
}

/** Index of the first row that ends below `y`. */
function firstBelow(rows: Row[], y: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle]!;
    if (row.top + row.height > y) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function rowOf({ rows }: Layout, { group, key }: Place): Row | undefined {
  return rows.find((row) => row.group === group && (row.kind === "header" ? key === null : hasKey(row, key)));
}

function hasKey(row: Extract<Row, { kind: "tiles" }>, key: string | null): boolean {
  return key !== null && row.keys.includes(key);
}

/** The first tile, or the first header where all groups are closed. */
export function firstPlace({ rows }: Layout): Place | undefined {
  const row = rows.find((r) => r.kind === "tiles") ?? rows[0];
  return row && placeIn(row, 0);
}

/** Where a key leads from here; the same place where it leads nowhere, `undefined` for other keys. */
export function step(layout: Layout, from: Place, key: string, rowsPerPage: number): Place | undefined {
  const row = rowOf(layout, from);
  if (!row) return firstPlace(layout);
  const column = row.kind === "tiles" ? row.keys.indexOf(from.key!) : 0;
  const last = row.kind === "tiles" ? row.keys.length - 1 : 0;
  const to = (index: number, at: number) => {
    const next = layout.rows[Math.min(Math.max(index, 0), layout.rows.length - 1)];
    return next && placeIn(next, at);
  };
  switch (key) {
    case "ArrowRight":
      return column < last
        ? placeIn(row, column + 1)
        : row.index === layout.rows.length - 1
          ? from
          : to(row.index + 1, 0);
    case "ArrowLeft":
      return column > 0 ? placeIn(row, column - 1) : row.index === 0 ? from : to(row.index - 1, Infinity);
    case "ArrowDown":
      return to(row.index + 1, column);
    case "ArrowUp":
      return to(row.index - 1, column);
    case "PageDown":
      return to(row.index + rowsPerPage, column);
    case "PageUp":
      return to(row.index - rowsPerPage, column);
    case "Home":
      return to(0, 0);
    case "End":
      return to(layout.rows.length - 1, Infinity);
    default:
      return undefined;
  }
}

function placeIn(row: Row, column: number): Place {
  if (row.kind === "header") return { group: row.group, key: null };
  return { group: row.group, key: row.keys[Math.min(column, row.keys.length - 1)]! };
}
