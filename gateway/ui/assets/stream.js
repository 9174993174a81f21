// Server-sent events over fetch, because EventSource cannot send an Authorization header.

const SILENCE = 20_000; // the gateway speaks every 5 s
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;

/** Splits a stream of text into events: feed() calls `on(name, data)` for each whole one. */
export class EventParser {
  #rest = '';
  #on;

  constructor(on) {
    this.#on = on;
  }

  feed(chunk) {
    const blocks = (this.#rest + chunk).split('\n\n');
    this.#rest = blocks.pop();
    for (const block of blocks) {
      let name = 'message';
      const data = [];
      for (const line of block.split('\n')) {
        if (line.startsWith('event: ')) name = line.slice(7);
        else if (line.startsWith('data: ')) data.push(line.slice(6));
      }
      if (data.length > 0) this.#on(name, data.join('\n'));
    }
  }
}

/**
 * Keeps a stream open. `on.event(name, body)`; `on.live()` after the first event of each stream; `on.lost(reason, millis)`:
 * the next attempt comes after that time; `on.refused(status, error)`: it has given up, since the token is not accepted.
 */
export class Stream {
  #url;
  #token;
  #on;
  #abort = null;
  #timer = 0;
  #pause = FIRST_PAUSE;
  #stopped = false;

  constructor(url, token, on) {
    this.#url = url;
    this.#token = token;
    this.#on = on;
    this.#run();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  tryNow() {
    if (this.#stopped || this.#abort) return;
    clearTimeout(this.#timer);
    this.#run();
  }

  async #run() {
    const abort = new AbortController();
    this.#abort = abort;
    let reason = 'the stream broke off';
    let clean = false;
    try {
      const answer = await fetch(this.#url, { headers: { Authorization: `Bearer ${this.#token}` },
        signal: abort.signal, cache: 'no-store', redirect: 'error' });
      if (answer.ok) {
        clean = await this.#read(answer.body, abort);
      } else {
        const error = await answer.json().catch(() => ({}));
        if (answer.status === 401 || answer.status === 403) {
          if (!this.#stopped) this.#on.refused(answer.status, error);
          this.#stopped = true;
          return;
        }
        reason = error.message ?? `the gateway answered ${answer.status}`;
      }
    } catch (error) {
      if (!abort.signal.aborted) reason = 'the gateway does not answer';
      else if (abort.signal.reason === 'silence') reason = 'the gateway fell silent';
    } finally {
      this.#abort = null;
    }
    if (this.#stopped) return;
    if (clean) { // its time was over: the gateway wants to see the token again
      this.#run();
      return;
    }
    this.#on.lost(reason, this.#pause);
    this.#timer = setTimeout(() => this.#run(), this.#pause * (0.75 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  /** True: at least one event came, and the end was clean. */
  async #read(body, abort) {
    let silence = 0;
    let heard = false;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort('silence'), SILENCE);
    };
    const parser = new EventParser((name, data) => {
      this.#on.event(name, JSON.parse(data));
      if (!heard) {
        heard = true;
        this.#pause = FIRST_PAUSE;
        this.#on.live();
      }
    });
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    listen();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return heard;
        if (this.#stopped) return false;
        listen();
        parser.feed(value);
      }
    } finally {
      clearTimeout(silence);
      reader.cancel().catch(() => {});
    }
  }
}
