// Takes pictures of pages in Chromium: node screens.cjs CHROMIUM '[{"page", "out", "width", "height", "scheme"}, ...]'
// NODE_PATH names the folder node_modules that holds playwright-core.
"use strict";
const { chromium } = require("playwright-core");
const { pathToFileURL } = require("node:url");

(async () => {
  const browser = await chromium.launch({ executablePath: process.argv[2], args: ["--no-sandbox"] });
  for (const { page: path, out, width, height, scheme } of JSON.parse(process.argv[3])) {
    const context = await browser.newContext({ offline: true, viewport: { width, height }, colorScheme: scheme });
    const page = await context.newPage();
    await page.goto(pathToFileURL(path).href);
    await page.screenshot({ path: out });
    await context.close();
  }
  await browser.close();
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
