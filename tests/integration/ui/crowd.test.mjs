// The page with many pools and workers: it must stay smooth. Prints what it measures.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openBrowser, until } from './browser.mjs';
import { startDev } from './dev.mjs';
import { fakeGateway } from './fake-gateway.mjs';

/** Watches frames and long tasks for `millis`. */
function measure(page, millis) {
  return page.evaluate((length) => new Promise((done) => {
    const frames = [];
    const long = [];
    const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration)));
    observer.observe({ type: 'longtask' });
    let last = performance.now();
    const start = last;
    const frame = (now) => {
      frames.push(now - last);
      last = now;
      if (now - start < length) requestAnimationFrame(frame);
      else {
        observer.disconnect();
        frames.sort((a, b) => a - b);
        const at = (share) => Math.round(frames[Math.floor(share * (frames.length - 1))]);
        done({ frames: frames.length, median: at(0.5), p99: at(0.99), worst: at(1), longTasks: long.length, longest: Math.round(Math.max(0, ...long)) });
      }
    };
    requestAnimationFrame(frame);
  }), millis);
}

/** How many orders of the pools a reader saw in `millis`. */
function countOrders(page, millis) {
  return page.evaluate((length) => new Promise((done) => {
    const seen = [];
    const start = performance.now();
    const frame = (now) => {
      const order = [...document.querySelectorAll('.pool')].map((pool) => pool.getAttribute('aria-label')).join();
      if (order !== seen.at(-1)) seen.push(order);
      if (now - start < length) requestAnimationFrame(frame);
      else done(seen.length);
    };
    requestAnimationFrame(frame);
  }), millis);
}

describe('a crowd', () => {
  let dev;
  let browser;
  let page;

  before(async () => {
    dev = await startDev([]);
    browser = await openBrowser({ width: 1600, height: 1000 });
    page = browser.page;
  });
  after(async () => {
    await browser?.close();
    await dev?.stop();
  });

  for (const [pools, workers] of [[50, 10], [50, 500]]) {
    test(`${pools} pools of ${workers} workers`, async (t) => {
      const gateway = await fakeGateway({ real: dev.gateway, pools, workers });
      try {
        const begun = Date.now();
        await page.goto(gateway.link);
        await until(async () => await page.locator('.pool').count() === pools, 'all pools are there', 60_000);
        const first = Date.now() - begun;
        await browser.picture(`crowd-${pools}x${workers}`);
        gateway.start(250);
        await until(() => gateway.events() > 4, 'events flow');
        const figures = await measure(page, 6000);
        t.diagnostic(`first picture ${first} ms, snapshot ${Math.round(gateway.snapshotBytes() / 1024)} KiB; ${JSON.stringify(figures)}`);
        assert.ok(figures.median <= 34, `half of the frames come within two of 60 a second: ${figures.median} ms`);
        assert.ok(figures.longest < 250, `no task holds the page up for a quarter of a second: ${figures.longest} ms`);

        await page.locator('.toggle').nth(3).click();
        await page.locator('tbody tr').nth(workers - 1).waitFor({ state: 'attached' });
        const opened = await measure(page, 4000);
        t.diagnostic(`with one pool opened: ${JSON.stringify(opened)}`);
        assert.ok(opened.longest < 250, `no task holds the page up for a quarter of a second: ${opened.longest} ms`);
        await browser.picture(`crowd-${pools}x${workers}-opened`);
        await page.locator('.toggle').nth(3).click();

        await page.fill('#filter', 'train');
        await until(async () => await page.locator('.pool').count() === pools / 5, 'the filter holds');
        await page.fill('#filter', '');
        if (workers === 10) {
          await browser.accessible('many pools');
          await page.emulateMedia({ colorScheme: 'dark' });
          await browser.accessible('many pools, dark');
          await browser.picture(`crowd-${pools}x${workers}-dark`);
          await page.emulateMedia({ colorScheme: 'light' });
          await page.selectOption('#sort', 'used');
          const orders = await countOrders(page, 3000);
          assert.ok(orders <= 2, `an order by changing numbers holds still for five seconds: ${orders} in three`);
        }
        await page.selectOption('#sort', 'waiting');
        await until(async () => (await page.locator('.pool').first().textContent()).includes('train-') ||
          (await page.locator('.pool').first().textContent()).includes('waiting'), 'most waiting first');
        await page.selectOption('#sort', 'name');
      } finally {
        await page.goto('about:blank');
        await gateway.close();
      }
    });
  }

  test('nothing went wrong on the page', () => {
    assert.deepEqual(browser.outside, []);
    assert.deepEqual(browser.errors, []);
  });
});
