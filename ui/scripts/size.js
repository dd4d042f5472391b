// Fails when a window's script is larger than its budget: every window pays for its bytes on each first paint.
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET = 40 * 1024;
const dist = fileURLToPath(new URL("../dist", import.meta.url));

/** Every script that a window loads: those of its page and, transitively, what they import. */
function scripts(page) {
    const html = readFileSync(join(dist, page), "utf8");
    const open = [...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map((m) => m[1]);
    const seen = new Set();
    while (open.length > 0) {
        const file = open.pop();
        if (seen.has(file)) continue;
        seen.add(file);
        const text = readFileSync(join(dist, file), "utf8");
        for (const m of text.matchAll(/(?:from|import)\s*["'`](\.[^"'`]+\.js)["'`]/g)) {
            open.push(normalize(join(dirname(file), m[1])));
        }
    }
    return [...seen];
}

let over = false;
for (const page of ["card.html", "panel.html", "confirm.html", "settings.html"]) {
    const html = readFileSync(join(dist, page), "utf8");
    if (/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/i.test(html)) {
        console.error(`${page}: inline script or style, which the CSP forbids`);
        over = true;
    }
    const files = scripts(page);
    const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file))).length, 0);
    if (files.length === 0 || bytes > BUDGET) over = true;
    console.log(
        `${page.padEnd(14)} ${(bytes / 1024).toFixed(1).padStart(5)} kB gzip of ${BUDGET / 1024} in ${files.length} scripts`,
    );
}
process.exit(over ? 1 : 0);
