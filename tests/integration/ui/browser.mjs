// Debian's Chromium, driven by playwright-core, with a profile of its own that is thrown away.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { chromium } = createRequire(`${process.env.UI_TEST_MODULES}/`)('playwright-core');
const pictures = process.env.UI_TEST_PICTURES;

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

/**
 * A browser with one page. `errors`: what went wrong on the page; a test that does not expect it fails in close().
 * Options: width, height, dark.
 */
export async function openBrowser({ width = 1280, height = 860, dark = false } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'berth-ui-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  const page = context.pages()[0] ?? await context.newPage();
  const errors = [];
  const outside = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).hostname !== '127.0.0.1') outside.push(request.url());
  });
  return {
    page,
    errors,
    outside,
    async picture(name, options = {}) {
      await page.screenshot({ path: join(pictures, `${name}.png`), ...options });
    },
    /** What axe finds wrong for those who see little, hear the page or use no mouse (WCAG 2.2 AA and good practice): nothing. */
    async accessible(what) {
      await page.evaluate(readFileSync(join(process.env.UI_TEST_MODULES, 'axe-core/axe.min.js'), 'utf8'));
      const { violations } = await page.evaluate(() => globalThis.axe.run(document));
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('; ')}`), [], what);
    },
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Waits until `condition` holds, looking again every few milliseconds; fails with `what` after `limit`. */
export async function until(condition, what, limit = 20_000) {
  const end = Date.now() + limit;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
