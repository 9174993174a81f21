// The live page in a real browser, against a real `berth dev`.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openBrowser, until } from './browser.mjs';
import { pool, startDev } from './dev.mjs';

const row = (name) => `tr:has(th[scope=row]:text-is("${name}"))`;
const label = (page, name) => page.locator(`${row(name)} .slots`).getAttribute('aria-label');

describe('one pool', () => {
  let dev;
  let browser;
  let page;

  before(async () => {
    dev = await startDev([pool('files')]);
    browser = await openBrowser();
    page = browser.page;
    await page.goto(dev.link);
    await page.locator(`${row('files-0')}[data-state=Active]`).waitFor();
    await page.locator(`${row('files-1')}[data-state=Active]`).waitFor();
  });
  after(async () => {
    await browser?.close();
    await dev?.stop();
  });

  test('berth dev says where the page is, and keeps the token out of a log', () => {
    assert.match(dev.output(), new RegExp(`live page +${dev.page}\n`));
    assert.ok(!dev.output().includes(dev.token));
  });

  test('the token leaves the address bar', async () => {
    assert.equal(page.url(), dev.page);
  });

  test('a session that opens takes a cell, and gives it back', async () => {
    const used = () => page.locator('#total-used').textContent();
    await until(async () => await used() === '0/8', 'no slot used');
    await browser.picture('one-pool-idle');
    const ids = dev.openSessions('files', 3);
    await until(async () => (await used()).startsWith('3/'), 'three slots used');
    const labels = [await label(page, 'files-0'), await label(page, 'files-1')];
    assert.ok(labels.includes('3 of 4 slots used, 1 free'), labels.join());
    await browser.picture('one-pool-sessions');
    for (const id of ids) dev.completeSession(id);
    await until(async () => (await used()).startsWith('0/'), 'the slots came back');
  });

  test('a full pool grows, with the reason; who waits is listed with an age', async () => {
    const ids = dev.openSessions('files', 14);
    await page.locator(`${row('files-3')}[data-state=Active]`).waitFor();
    await page.locator('.decisions li').filter({ hasText: '→ 4' }).waitFor();
    await page.locator('.news li').filter({ hasText: 'files-3 came' }).waitFor();
    ids.push(...dev.openSessions('files', 2));
    const waiting = ['late-1', 'late-2'].map((id) => dev.waitForSession('files', id));
    await page.locator('.waiting li', { hasText: 'late-2' }).waitFor();
    await page.locator('[data-badge=waiting]', { hasText: /^2 waiting, [0-9]+ s$/ }).waitFor();
    await until(async () => await page.title() === '2 waiting · Berth', 'the title tells it');
    await until(async () => await page.locator('[data-badge=limited]').count() > 0, 'the limit is named');
    await browser.picture('one-pool-waiting', { fullPage: true });
    for (const one of waiting) one.abort();
    await until(async () => await page.locator('.waiting li').count() === 0, 'nobody waits', 30_000);
    for (const id of ids) dev.completeSession(id);
    await until(async () => await page.locator('tbody tr').count() === 2, 'workers went', 60_000);
    await page.locator('.news li').filter({ hasText: 'went' }).first().waitFor();
  });

  test('a worker killed with -9 restarts; killed again it is shown as lost until it comes back', async () => {
    const [id] = dev.openSessions('files', 1);
    const busy = page.locator('tbody tr', { has: page.locator('[aria-label^="1 of 4"]') });
    const name = await busy.locator('th').textContent();
    const kill = async () => {
      const pid = await until(() => dev.workerPids().get(name), `${name} runs`);
      process.kill(pid, 'SIGKILL');
      return pid;
    };
    const first = await kill();
    await page.locator('.news li').filter({ hasText: `${name} restarted, answers again` }).waitFor();
    await until(async () => (await page.locator('#say').textContent()).includes(name), 'a screen reader is told');
    await until(() => dev.workerPids().get(name) !== first, 'it is a new process');
    await page.locator(`${row(name)}[data-state=Active]`).waitFor();

    await kill();  // the second time a node waits ten seconds
    await page.locator(`${row(name)}[data-state=Unreadable]`).waitFor();
    assert.equal(await label(page, name), '1 of 4 slots used, 3 unknown');
    await page.locator('[data-badge=degraded]').waitFor();
    await browser.picture('worker-dies');
    await page.locator(`${row(name)}[data-state=Active]`).waitFor();
    assert.equal(await label(page, name), '1 of 4 slots used, 3 free', 'the session has outlived it');
    await browser.picture('worker-back');
    dev.completeSession(id);
  });

  test('everything can be reached and worked with the keyboard', async () => {
    await page.reload();
    await page.locator('tbody tr').first().waitFor();
    const walked = [];
    for (let i = 0; i < 5; i += 1) {
      await page.keyboard.press('Tab');
      walked.push(await page.evaluate(() => document.activeElement.id || document.activeElement.className));
    }
    assert.deepEqual(walked, ['skip', 'toggle', 'worker-list', 'news', 'forget']);
    for (let i = 0; i < 3; i += 1) await page.keyboard.press('Shift+Tab');
    assert.equal(await page.locator('.toggle').getAttribute('aria-expanded'), 'true');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.toggle').getAttribute('aria-expanded'), 'false');
    assert.equal(await page.locator('.workers').count(), 0);
    await browser.picture('keyboard-closed');
    await page.keyboard.press('Space');
    await page.locator('tbody tr').first().waitFor();
    assert.ok(await page.evaluate(() => document.activeElement.classList.contains('toggle')), 'the focus stays');
  });

  test('each thing has a name for those who hear the page', async () => {
    const tree = await page.locator('body').ariaSnapshot();
    for (const part of ['heading "Berth"', 'article "default/files"', 'button "default/files" [expanded]', 'table "Workers of default/files"',
      /rowheader "files-\d"/, /img "\d+ of \d+ slots used, \d+ free"/, /img "The last \d+ min: /, 'heading "Scaling decisions"',
      'list "What the slots\' patterns mean"', 'status']) {
      assert.match(tree, part instanceof RegExp ? part : new RegExp(part.replace(/[[\]/]/g, '\\$&')));
    }
    await browser.accessible('opened');
    await page.emulateMedia({ colorScheme: 'dark' });
    await browser.accessible('opened, dark');
    await page.locator('.toggle').click();
    assert.match(await page.locator('.pool').ariaSnapshot(), /group "Workers: 2 Active"/);
    await browser.accessible('closed, dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await browser.accessible('closed');
    await page.locator('.toggle').click();
    await page.locator('tbody tr').first().waitFor();
  });

  test('colours of the system, where it sets all of them', async () => {
    await page.emulateMedia({ forcedColors: 'active' });
    const used = await page.evaluate(() => getComputedStyle(document.querySelector('.bar [data-kind=free]')).borderTopColor);
    assert.equal(used, 'rgb(125, 138, 156)', 'the bar keeps its own');
    await browser.picture('forced-colours');
    await page.emulateMedia({ forcedColors: 'none' });
  });

  test('narrow, wide and dark', async () => {
    for (const [width, height, name] of [[360, 740, 'narrow'], [2560, 1300, 'wide']]) {
      await page.setViewportSize({ width, height });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(over, 0, `no sideways scrolling at ${width}`);
      await browser.picture(name, { fullPage: true });
    }
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(dark, 'rgb(17, 21, 27)');
    await browser.picture('dark');
    await page.emulateMedia({ colorScheme: 'light' });
  });

  test('nothing comes from outside, nothing went wrong on the page', () => {
    assert.deepEqual(browser.outside, []);
    assert.deepEqual(browser.errors, []);
  });
});

describe('access and trouble', () => {
  let dev;
  let browser;
  let page;

  before(async () => {
    dev = await startDev([]);
    browser = await openBrowser();
    page = browser.page;
  });
  after(async () => {
    await browser?.close();
    await dev?.stop();
  });

  test('without a token the page asks for one and shows nothing', async () => {
    await page.goto(dev.page);
    await page.locator('#sign-in').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'token');
    assert.equal(await page.locator('#live').isVisible(), false);
    await browser.accessible('the form');
    await browser.picture('sign-in');
  });

  test('what was filled in is still there after a look at another tab', async () => {
    await page.fill('#namespace', 'team-a');
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    assert.equal(await page.inputValue('#namespace'), 'team-a');
    await page.fill('#namespace', '');
  });

  test('a wrong token is refused in words', async () => {
    await page.fill('#token', 'this-is-not-the-token-of-the-gateway');
    await page.keyboard.press('Enter');
    await page.locator('#sign-in-error', { hasText: "This is not the gateway's token" }).waitFor();
    await browser.accessible('the form, after a wrong token');
    assert.equal(await page.locator('#live').isVisible(), false);
    await browser.picture('sign-in-wrong');
  });

  test('the right one shows what to do when there is no pool', async () => {
    await page.fill('#token', dev.token);
    await page.keyboard.press('Enter');
    await page.locator('#empty').waitFor();
    await browser.accessible('no pool');
    await browser.picture('empty');
  });

  test('the token is kept for the tab only, and can be forgotten', async () => {
    await page.reload();
    await page.locator('#empty').waitFor();
    await page.click('#forget');
    await page.locator('#sign-in').waitFor();
    await page.reload();
    await page.locator('#sign-in').waitFor();
    await page.goto(dev.link);
    await page.locator('#empty').waitFor();
  });

  test('a lost gateway is said, and found again', async () => {
    const { gateway } = dev;
    await dev.stop();
    await page.locator('#banner', { hasText: 'No connection since' }).waitFor();
    const said = await page.locator('[role=alert]:visible').allTextContents();
    assert.equal(said.length, 1);
    assert.doesNotMatch(said[0], /Trying again/, 'what changes with each try is not said aloud');
    await browser.accessible('lost');
    await browser.picture('lost');
    dev = await startDev([], gateway.replace('http://', ''));
    await page.click('#retry').catch(() => {}); // it may have tried by itself just now
    await page.locator('#sign-in-error', { hasText: 'token' }).waitFor();
    await page.goto(dev.link);
    await page.locator('#empty').waitFor();
    assert.equal(await page.locator('#banner').isVisible(), false);
  });

  test('another page may not use the gateway, and may not frame it', async () => {
    const other = await fetch(`${dev.page}events`, { headers: { Authorization: `Bearer ${dev.token}`, Origin: 'http://evil.example' } });
    assert.equal(other.status, 403);
    const own = new URL(dev.page).origin;
    assert.equal((await fetch(`${own}/v1/pools`, { headers: { Authorization: `Bearer ${dev.token}`, Origin: own } })).status, 403);
    const headers = (await fetch(dev.page)).headers;
    assert.match(headers.get('content-security-policy'), /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    const again = await fetch(dev.page, { headers: { 'If-None-Match': headers.get('etag') } });
    assert.equal(again.status, 304);
  });
});
