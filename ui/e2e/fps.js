// How smooth the panel stays while lamps change: 1,000 extensions, 500 changes a second, for some seconds.
//   node e2e/fps.js [--extensions 1000] [--storm 500] [--seconds 10]
// Prints one JSON object. Figures are for people; what is counted (tiles in the document, changes that arrived, tiles
// drawn for them) decides the exit code, because a busy machine drops frames for reasons of its own.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { launch, option, signedIn } from "./browser.js";

const [extensions, storm, seconds] = ["1000", "500", "10"].map((value, i) =>
    Number(option(["extensions", "storm", "seconds"][i], value)),
);
const serverFile = fileURLToPath(new URL("pretend-server.js", import.meta.url));
const server = spawn(process.execPath, [serverFile, "--extensions", extensions, "--storm", storm, "--scene", "quiet"], {
    stdio: ["pipe", "pipe", "inherit"],
});
const first = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
const { url, token } = JSON.parse(first.value);
const browser = await launch();
const page = await signedIn(browser, url, token);
await page.locator("[data-tile]").first().waitFor();
const idle = await page.evaluate(measure, { seconds: 2, scrolls: false });
const still = await page.evaluate(measure, { seconds, scrolls: false });
const scrolling = await page.evaluate(measure, { seconds, scrolls: true });
const told = { extensions, changesPerSecond: storm, warmUp: idle, still, scrolling };
console.log(JSON.stringify(told, undefined, 2));
await browser.close();
server.kill();
// Only what can be seen is in the document, and only what has changed is drawn.
const drawnOnlyWhatChanged = still.tilesDrawnPerSecond <= storm + still.tilesInDocument * 1.5;
process.exit(still.tilesInDocument < 100 && still.tilesDrawnPerSecond > 0 && drawnOnlyWhatChanged ? 0 : 1);

/** Runs in the page: frames, long tasks and drawn tiles within some seconds. */
async function measure({ seconds, scrolls }) {
    const grid = document.querySelector("[role=grid]");
    const long = [];
    const tasks = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)));
    tasks.observe({ type: "longtask" });
    let drawn = 0;
    const tiles = new MutationObserver((records) => {
        const of = (record) =>
            (record.target.closest ? record.target : record.target.parentElement)?.closest("[data-tile]");
        drawn += new Set(records.map(of)).size;
    });
    tiles.observe(grid, { subtree: true, childList: true, characterData: true, attributes: true });
    const frames = [];
    const began = performance.now();
    let last = began;
    await new Promise((done) => {
        requestAnimationFrame(function frame(at) {
            frames.push(at - last);
            last = at;
            if (scrolls) grid.scrollTop = (grid.scrollTop + 24) % (grid.scrollHeight - grid.clientHeight);
            if (at - began < seconds * 1000) requestAnimationFrame(frame);
            else done();
        });
    });
    tasks.disconnect();
    tiles.disconnect();
    const sorted = frames.slice(1).sort((a, b) => a - b);
    const round = (n) => Math.round(n * 10) / 10;
    return {
        framesPerSecond: round((frames.length / (last - began)) * 1000),
        frameMs: {
            median: round(sorted[sorted.length >> 1]),
            p99: round(sorted[Math.floor(sorted.length * 0.99)]),
            longest: round(sorted.at(-1)),
        },
        framesOver25ms: sorted.filter((ms) => ms > 25).length,
        longTasks: long.length,
        longestTaskMs: Math.round(Math.max(0, ...long)),
        tilesInDocument: document.querySelectorAll("[data-tile]").length,
        tilesDrawnPerSecond: Math.round(drawn / seconds),
        elements: document.querySelectorAll("*").length,
    };
}
