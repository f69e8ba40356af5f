// Uses report.html as readers at a screen do, in Chromium, and writes what it saw as JSON:
// node report_screen.cjs CHROMIUM PLAIN HOSTILE OTHER ... where each but the first is a page, and others are only looked at.
// NODE_PATH names the folder node_modules that holds playwright-core and axe-core.
"use strict";
const { chromium } = require("playwright-core");
const { pathToFileURL } = require("node:url");
const axe = require("axe-core").source;

const [executablePath, ...pages] = process.argv.slice(2);
const [plain, hostile] = pages;
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const WIDTHS = [360, 768, 1440];
const seen = { looks: [], requests: [], said: [] };

async function open(browser, path, options = {}, fragment = "") {
  const context = await browser.newContext({ offline: true, viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => seen.said.push(message.text()));
  page.on("pageerror", (error) => seen.said.push(error.message));
  page.on("dialog", (dialog) => (seen.said.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  await page.goto(pathToFileURL(path).href + fragment);
  return { page, context, asked };
}

// What the page says: the numbers with their values, and the rows of its tables.
const told = () => ({
  numbers: [...document.querySelectorAll("data")].map((found) => `${found.value} ${found.textContent}`),
  rows: [...document.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent).join(" | ")),
  buttons: document.querySelectorAll("button, input, select").length,
});
const shown = (chapter) =>
  [...document.querySelectorAll(`#${chapter} tr[id]`)]
    .filter((row) => row.checkVisibility())
    .map((row) => ({ id: row.id, text: [...row.cells].map((cell) => cell.textContent).join(" | ") }));

async function looks(browser) {
  for (const [place, path] of pages.entries()) {
    for (const colorScheme of place < 2 ? ["light", "dark"] : ["dark"]) {
      const { page, context, asked } = await open(browser, path, { colorScheme });
      const own = WIDTHS.map((width) => ({ place, colorScheme, width }));
      for (const look of own) {
        await page.setViewportSize({ width: look.width, height: 900 });
        Object.assign(look, await page.evaluate(measured));
      }
      // Further rows of a table are built like the first.
      await page.evaluate(() => document.querySelectorAll("tbody tr:nth-child(n + 8)").forEach((row) => row.remove()));
      await page.evaluate(axe);
      for (const look of own.slice(0, path === plain ? 3 : path === hostile && colorScheme === "light" ? 0 : 1)) {
        await page.setViewportSize({ width: look.width, height: 900 });
        look.violations = await page.evaluate(async (runOnly) => {
          const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"] });
          return violations.map((rule) => `${rule.id}: ${rule.nodes[0].target} (${rule.nodes.length})`);
        }, RULES);
      }
      seen.looks.push(...own);
      seen.requests.push(asked.length);
      await context.close();
    }
  }
}

async function measured() {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const wide = [...document.querySelectorAll(".scroll")].filter((region) => region.scrollWidth > region.clientWidth);
  return {
    wider: document.documentElement.scrollWidth - innerWidth,
    scrolled: wide.length,
    stuck: wide.filter((region) => region.tabIndex < 0).length,
    panels: [...new Set([...document.querySelectorAll("figure img")].map((one) => getComputedStyle(one).backgroundColor))],
    paper: getComputedStyle(document.documentElement).backgroundColor,
  };
}

async function keyboard(page) {
  await page.setViewportSize({ width: 768, height: 900 });
  const stops = await page.evaluate(() => {
    window.reached = [];
    addEventListener("focusin", ({ target }) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(target);
      window.reached.push({ target, outline: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 });
    });
    return [...document.querySelectorAll("a[href], button, input, select, [tabindex='0']")].filter((one) => one.checkVisibility()).length;
  });
  for (let press = 0; press < stops; press++) await page.keyboard.press("Tab");
  const found = (seen.keyboard = await page.evaluate(() => ({
    reached: new Set(window.reached.map(({ target }) => target)).size,
    bare: window.reached.filter(({ outline }) => !outline).map(({ target }) => target.textContent),
    first: window.reached[0].target.textContent,
  })));
  found.stops = stops;
  const head = page.locator("#findings th.right").first();
  await head.locator("button").press("Enter");
  found.enter = await head.getAttribute("aria-sort");
  await head.locator("button").press("Space");
  found.space = await head.getAttribute("aria-sort");
  await head.locator("button").press("Space");
  await page.locator(".skip").press("Enter");
  found.skipped = await page.evaluate(() => document.activeElement.id);
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function choosing(page) {
  const bar = (chapter) => page.locator(`#${chapter} .controls`);
  const rows = (chapter) => page.evaluate(shown, chapter);
  const ids = async () => (await rows("register")).map((row) => row.id);
  const found = (seen.choosing = { all: await ids() });
  await bar("register").locator("input").fill("License USE");
  found.text = await ids();
  found.said = await bar("register").locator("[role=status]").textContent();
  await bar("register").locator("button").click();
  found.reset = await ids();
  await bar("register").locator("select").first().selectOption("not settled");
  found.state = await ids();
  await page.evaluate(() => (location.hash = "#control-PERF-01"));
  await page.waitForFunction(() => document.querySelector("#control-PERF-01").checkVisibility());
  found.linked = await ids();
  await bar("findings").locator("select").nth(1).selectOption("sex: Female");
  found.part = (await rows("findings")).map((row) => row.text);
  await bar("findings").locator("input").fill("-0.0");
  await bar("findings").locator("select").first().selectOption("fail");
  found.together = (await rows("findings")).map((row) => row.text);
  await page.emulateMedia({ media: "print" });
  found.printed = await page.evaluate(() => ({
    controls: [...document.querySelectorAll(".controls, .copy, .told, .skip, .back")].filter((one) => one.checkVisibility()).length,
    missing: [...document.querySelectorAll("#findings tr[id]:not(.screen)")].filter((row) => !row.checkVisibility()).length,
  }));
  await page.emulateMedia({ media: "screen" });
  await bar("findings").locator("button").click();
}

async function sorting(page) {
  const head = page.locator("#findings table").first().locator("th", { hasText: "Value" });
  const values = () =>
    page.evaluate(() => {
      const [table] = document.querySelectorAll("#findings table");
      const place = [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent === "Value");
      return [...table.tBodies[0].rows].map((row) => row.cells[place].querySelector("data").value);
    });
  seen.sorting = { before: { values: await values(), aria: await head.getAttribute("aria-sort") } };
  for (const way of ["up", "down", "after"]) {
    await head.locator("button").click();
    seen.sorting[way] = { values: await values(), aria: await head.getAttribute("aria-sort") };
  }
}

// What was copied is pasted into a filter, as a reader would.
async function copying(page) {
  seen.copying = {};
  const field = page.locator("#findings .controls input");
  for (const [way, id, fewer] of [
    ["clipboard", "FAIR-01", () => {}],
    ["older", "FAIR-02", () => Object.defineProperty(navigator, "clipboard", { value: undefined })],
    ["none", "CAL-01", () => (document.execCommand = () => false)],
  ]) {
    await page.evaluate(fewer);
    await page.locator(`#control-${id} .copy`).press("Space");
    await page.waitForFunction((name) => document.querySelector(".told").textContent.startsWith(`${name} `), id);
    const told = await page.locator(".told").textContent();
    const selected = await page.evaluate(() => getSelection().toString());
    await field.fill("");
    await field.press("Control+V");
    seen.copying[way] = { told, selected, pasted: await field.inputValue() };
  }
}

// A new page at the address, as one who follows a link opens it: a reload would restore a place of scrolling instead.
async function linking(page) {
  const id = await page.evaluate(() => [...document.querySelectorAll("#findings tr[id]")].at(-1).id);
  const { page: linked } = await open(page.context().browser(), plain, {}, `#${id}`);
  const inside = () => ((box) => box.top >= 0 && box.bottom <= innerHeight)(document.querySelector(":target").getBoundingClientRect());
  await linked.waitForFunction(inside, null, { timeout: 10_000 }).catch(() => undefined); // said below if it never is
  seen.linking = await linked.evaluate(() => {
    const row = document.querySelector(":target");
    const { top, bottom } = row.getBoundingClientRect();
    const color = (one) => getComputedStyle(one).backgroundColor;
    return { id: row.id, inside: top >= 0 && bottom <= innerHeight, marked: color(row) !== color(row.previousElementSibling) };
  });
}

async function hostility(page) {
  const found = (seen.hostile = await page.evaluate(() => ({
    scripts: document.scripts.length,
    ids: [...document.querySelectorAll("[id]")].map((one) => one.id),
    options: [...document.querySelectorAll("#findings option")].map((one) => one.textContent),
  })));
  await page.locator("#findings .controls select").nth(1).selectOption("<script>alert('x')</script>: <script>alert('x')</script>");
  found.chosen = (await page.evaluate(shown, "findings")).map((row) => row.text);
}

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  await looks(browser);
  const bare = await open(browser, plain, { javaScriptEnabled: false });
  seen.without = await bare.page.evaluate(told);
  const whole = await open(browser, plain, { permissions: ["clipboard-read", "clipboard-write"] });
  seen.with = await whole.page.evaluate(told);
  for (const step of [keyboard, sorting, choosing, copying, linking]) await step(whole.page);
  const { page } = await open(browser, hostile);
  await hostility(page);
  await browser.close();
  process.stdout.write(JSON.stringify(seen));
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
