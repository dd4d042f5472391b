// The system's Chromium and a page of it, for the scripts beside this one.
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axeFile = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** The value after `--name` on the command line. */
export function option(name, otherwise) {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? otherwise : process.argv[at + 1];
}

export function launch() {
    const executablePath = process.env.SIDETONE_CHROMIUM ?? "/usr/bin/chromium";
    return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** A page that is signed in at `url` by `token`, as if it had enrolled before. */
export async function signedIn(browser, url, token, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1180, height: 760 }, ...options });
    const page = await context.newPage();
    const origin = new URL(url).origin;
    // Once: a token that the page forgets stays forgotten.
    await page.addInitScript(
        ([key, value]) => {
            if (sessionStorage.getItem("began")) return;
            sessionStorage.setItem("began", "yes");
            localStorage.setItem(key, value);
        },
        [`sidetone token of ${origin}`, token],
    );
    await page.goto(url);
    return page;
}

/** What axe has to say against the page as it stands, one line each. The page's CSP lets only Playwright bring it in. */
export async function axe(page) {
    const { readFileSync } = await import("node:fs");
    await page.evaluate(readFileSync(axeFile, "utf8"));
    return page.evaluate(async () => {
        const { violations } = await globalThis.axe.run(document);
        return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`);
    });
}
