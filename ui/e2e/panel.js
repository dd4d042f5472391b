// Drives the panel in the system's Chromium for a test that runs the real server and the real phones.
//
//   SIDETONE_URL=http://127.0.0.1:8080/ SIDETONE_TOKEN=… node e2e/panel.js --expect 101,102,103
//       [--scheme dark] [--size 1180x760] [--patience 30000]
//
// Says what it sees, one JSON object a line:
//   {"ready":["101","102","103"]}        the tiles of --expect are there
//   {"tile":"102@main","name":"Boris Orlov","state":"ringing: Anna","shape":"ringing"}   at first and at every change
//   {"own":["Talking: Boris Orlov"]}     one's own calls and dials, at every change
//   {"words":"…"}                        the panel's message, at every change
//   {"done":"call 102"} or {"failed":"call 102","why":"…"}   after each command
//   {"complaint":"…"}                    the browser's own errors, those of the CSP among them
//
// Does what it reads on stdin, a command a line:
//   call 102 | call 102 by keyboard | dial TEXT | cancel | hang up | decline | park | hold | mute | record
//   conference | keys 12# | ask first | at once
//   transfer 103 by drag | transfer 103 by click | transfer 103 by keyboard
//   pick up 102 | pick up parked 701 | search TEXT | walk | axe | shot FILE.png | tab NAME | state | sign out | quit
//
// Exit code 1: a command failed, axe found something, or the browser complained. 2: it could not begin.
import { createInterface } from "node:readline";
import { axe, launch, option, signedIn } from "./browser.js";

const { SIDETONE_URL: url, SIDETONE_TOKEN: token } = process.env;
const [width, height] = option("size", "1180x760").split("x").map(Number);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
let bad = false;

if (!url || !token) {
    say({ failed: "begin", why: "SIDETONE_URL and SIDETONE_TOKEN must be set" });
    process.exit(2);
}
const browser = await launch();
const page = await signedIn(browser, url, token, {
    viewport: { width, height },
    colorScheme: option("scheme", "light"),
}).catch(cannotBegin);
page.setDefaultTimeout(Number(option("patience", "30000")));
page.on("pageerror", (error) => complain(String(error)));
page.on("console", (message) => message.type() === "error" && complain(message.text()));

await page.exposeFunction("sidetoneSees", say);
await page.evaluate(watch);
const expected = option("expect", "").split(",").filter(Boolean);
for (const number of expected) await reveal(number).catch(cannotBegin);
await search("");
say({ ready: expected });

for await (const line of createInterface({ input: process.stdin })) {
    const command = line.trim();
    if (command === "quit") break;
    if (command === "") continue;
    try {
        await carryOut(command);
        say({ done: command });
    } catch (error) {
        bad = true;
        say({ failed: command, why: String(error.message ?? error).split("\n")[0] });
    }
}
await browser.close();
process.exit(bad ? 1 : 0);

/** One command; throws what did not work. */
async function carryOut(command) {
    const is = (pattern) => pattern.exec(command)?.slice(1);
    const own = (name) => page.getByRole("region", { name: "My calls" }).getByRole("button", { name }).first();
    let found;
    if ((found = is(/^call (\S+) by keyboard$/))) return byKeyboard(found[0]);
    if ((found = is(/^call (\S+)$/))) {
        await reveal(found[0]);
        return tile(found[0]).click();
    }
    if ((found = is(/^dial (.+)$/))) {
        await page.getByRole("textbox", { name: "Number to call" }).fill(found[0]);
        return page.keyboard.press("Enter");
    }
    if ((found = is(/^transfer (\S+) by drag$/))) return drag(found[0]);
    if ((found = is(/^transfer (\S+) by click$/))) {
        await reveal(found[0]);
        await own(/^(Transfer|Send on) /).click();
        return tile(found[0]).click();
    }
    if ((found = is(/^transfer (\S+) by keyboard$/))) {
        await leaveFields();
        await page.keyboard.press("t");
        await page.getByRole("group", { name: "Transfer" }).waitFor();
        return byKeyboard(found[0]);
    }
    if ((found = is(/^pick up parked (\S+)$/))) {
        return page.getByRole("button", { name: new RegExp(`^Pick up .* from ${found[0]}$`) }).click();
    }
    if ((found = is(/^pick up (\S+)$/)))
        return cell(found[0])
            .getByRole("button", { name: /^Pick up/ })
            .click();
    if ((found = is(/^keys (.+)$/))) {
        if ((await page.getByRole("group", { name: "Keys" }).count()) === 0) await own(/^Keys /).click();
        for (const key of found[0]) await page.getByRole("button", { name: `Key ${key}`, exact: true }).click();
        return undefined;
    }
    if ((found = is(/^search ?(.*)$/))) return search(found[0]);
    if ((found = is(/^shot (.+)$/))) return page.screenshot({ path: found[0] });
    if ((found = is(/^tab (.+)$/))) return page.getByRole("tab", { name: found[0] }).click();
    switch (command) {
        case "cancel":
            return own(/^Cancel /).click();
        case "hang up":
            return own(/^Hang up /).click();
        case "decline":
            return own(/^Decline /).click();
        case "park":
            return own(/^Park /).click();
        case "hold":
            return own(/^Hold /).click();
        case "mute":
            return own(/^(Unmute|Mute) /).click();
        case "record":
            return own(/^(Record|Stop recording) /).click();
        case "conference":
            return own(/^Conference /).click();
        case "ask first":
        case "at once":
            return choose(command === "ask first" ? "Ask first" : "At once");
        case "walk":
            return walk();
        case "axe":
            return check();
        case "state":
            return page.evaluate(() => globalThis.sidetoneLook(true));
        case "sign out":
            await page.getByRole("button", { name: "Sign out" }).click();
            return page.getByLabel("Code from your administrator").waitFor();
        default:
            throw new Error("no such command");
    }
}

function search(text) {
    return page.getByRole("searchbox", { name: "Search colleagues" }).fill(text);
}

/** Only tiles that fit into the window are in the document: a search brings the others there. */
async function reveal(number) {
    if ((await cell(number).count()) === 0) await search(number);
    await tile(number).waitFor();
}

function cell(number) {
    return page.locator(`[data-tile^="${number}@"]`).first();
}

function tile(number) {
    return cell(number).locator("button.main");
}

async function leaveFields() {
    await page.evaluate(() => document.activeElement?.blur());
}

/** Search, arrow down to the first found, Enter: no pointer. */
async function byKeyboard(number) {
    await leaveFields();
    await page.keyboard.press("/");
    await page.keyboard.type(number);
    await tile(number).waitFor();
    await page.keyboard.press("ArrowDown");
    // The first focus may be another that the text finds as well.
    for (let i = 0; i < 20 && !(await focused()).startsWith(`${number}@`); i++) await page.keyboard.press("ArrowRight");
    if (!(await focused()).startsWith(`${number}@`)) throw new Error(`the keyboard does not reach ${number}`);
    await page.keyboard.press("Enter");
    await page.keyboard.press("/");
    await page.keyboard.press("Escape");
}

function focused() {
    return page.evaluate(() => document.activeElement?.closest("[data-tile]")?.dataset.tile ?? "");
}

async function drag(number) {
    await reveal(number);
    const call = page.locator('article[draggable="true"]').first();
    // By its head: a button would keep the pointer for itself.
    await call.locator(".head").dragTo(cell(number));
}

async function choose(way) {
    await leaveFields();
    await page.keyboard.press("t");
    await page.getByRole("radio", { name: way }).check();
    await page.keyboard.press("Escape");
}

/** Every tile is reached by arrow keys alone. */
async function walk() {
    const all = await page.evaluate(() => document.querySelectorAll("[data-tile]").length);
    await leaveFields();
    await page.keyboard.press("/");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Home");
    const reached = new Set();
    for (let i = 0; i < all * 3; i++) {
        const at = await focused();
        if (at) reached.add(await page.evaluate(() => document.activeElement.dataset.place));
        await page.keyboard.press("ArrowRight");
    }
    say({ walked: reached.size });
    if (reached.size < all) throw new Error(`arrow keys reach ${reached.size} of ${all} tiles`);
}

async function check() {
    const violations = await axe(page);
    say({ axe: violations });
    if (violations.length > 0) throw new Error(`axe found ${violations.length}`);
}

/** Runs in the page: tells what the tiles show whenever that changes. */
function watch() {
    const told = new Map();
    const text = (element) => element?.textContent.replace(/\s+/g, " ").trim() ?? "";
    const tell = (key, what, all) => {
        const json = JSON.stringify(what);
        if (!all && told.get(key) === json) return;
        told.set(key, json);
        globalThis.sidetoneSees(what);
    };
    globalThis.sidetoneLook = (all) => {
        for (const one of document.querySelectorAll("[data-tile]")) {
            const shape = one.querySelector(".main > svg")?.classList[0];
            const what = {
                tile: one.dataset.tile,
                name: text(one.querySelector(".name")),
                state: text(one.querySelector(".state")),
                shape,
            };
            tell(one.dataset.tile, what, all);
        }
        const own = [...document.querySelectorAll("[aria-label='My calls'] article")].map((one) =>
            one.getAttribute("aria-label"),
        );
        tell("own", { own }, all);
        tell("words", { words: text(document.querySelector("[role=alert] p")) }, all);
    };
    new MutationObserver(() => globalThis.sidetoneLook(false)).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
        attributes: true,
        attributeFilter: ["class", "aria-label"],
    });
    globalThis.sidetoneLook(true);
}

function complain(words) {
    bad = true;
    say({ complaint: words });
}

function cannotBegin(error) {
    say({ failed: "begin", why: String(error.message ?? error).split("\n")[0] });
    process.exit(2);
}
