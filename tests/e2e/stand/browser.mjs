// A browser for browser.py: a step a line on standard input, an answer a line on standard output. JSON both.
import { createInterface } from 'node:readline';
import { openBrowser } from '../../integration/ui/browser.mjs';

const browser = await openBrowser();
const { page } = browser;
const steps = {
  open: ({ url }) => page.goto(url),
  fill: ({ selector, text }) => page.fill(selector, text),
  press: ({ key }) => page.keyboard.press(key),
  see: ({ selector, text, limit }) => page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: limit }),
  miss: ({ selector, limit }) => page.locator(selector).first().waitFor({ state: 'detached', timeout: limit }),
  read: ({ selector }) => page.locator(selector).first().textContent(),
  picture: ({ name }) => browser.picture(name, { fullPage: true }),
  faults: () => ({ errors: browser.errors, outside: browser.outside }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { step, ...arguments_ } = JSON.parse(line);
  let answer;
  try {
    const value = await steps[step](arguments_);
    answer = { value: step === 'read' || step === 'faults' ? value : null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
