// Fails when a page's script is larger than its budget: everybody pays for its bytes on each first paint.
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const KB = 1024;
const folder = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const pages = [
    ...["card.html", "panel.html", "confirm.html", "settings.html"].map((page) => ({ dist: "dist", page, budget: 40 })),
    { dist: "dist-web", page: "index.html", budget: 40 },
    { dist: "dist-web", page: "admin.html", budget: 60 },
];

/** Every script that a page loads at once: those it names and, transitively, what they import. */
function scripts(dist, html) {
    const open = [...html.matchAll(/(?:src|href)="\.?\/([^"]+\.js)"/g)].map((m) => m[1]);
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
for (const { dist, page, budget } of pages) {
    const at = folder(dist);
    const html = readFileSync(join(at, page), "utf8");
    if (/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/i.test(html)) {
        console.error(`${page}: inline script or style, which the CSP forbids`);
        over = true;
    }
    const files = scripts(at, html);
    const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(at, file))).length, 0);
    if (files.length === 0 || bytes > budget * KB) over = true;
    console.log(
        `${page.padEnd(14)} ${(bytes / KB).toFixed(1).padStart(5)} kB gzip of ${budget} in ${files.length} scripts`,
    );
}
process.exit(over ? 1 : 0);
