// The three lists beside a pool's workers: who waits, what was decided, who came and went.
import { age, arrange, el, text } from './dom.js';
import { newsSign, newsWords, resourceWords } from './words.js';

const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export class WaitingList {
  #items = new Map(); // id -> {node, age, since}
  #list = el('ol', { class: 'waiting' });
  #none = el('p', { class: 'faint' }, 'Nobody waits.');
  #more = el('p', { class: 'faint' });
  node = el('div', {}, this.#list, this.#none, this.#more);

  update(waiting) {
    const keep = new Map();
    for (const one of waiting.first) {
      let item = this.#items.get(one.id);
      if (!item || item.since !== one.since) {
        const time = el('span', { class: 'number' });
        const more = resourceWords(one.resources);
        item = { since: one.since, time, node: el('li', {}, el('code', {}, one.id),
          more ? el('span', { class: 'faint' }, more) : '', time) };
      }
      keep.set(one.id, item);
    }
    this.#items = keep;
    arrange(this.#list, [...keep.values()].map((i) => i.node));
    this.#none.hidden = waiting.total > 0;
    this.#list.hidden = waiting.total === 0;
    const left = waiting.total - waiting.first.length;
    this.#more.hidden = left <= 0;
    text(this.#more, `and ${left} more`);
  }

  tick(now) {
    for (const item of this.#items.values()) text(item.time, age(now - item.since));
  }
}

/** Newest first; an item of the model is drawn once. */
class Log {
  #drawn = new Map();
  #list;
  #none;
  #make;
  node;

  constructor(attributes, none, make) {
    this.#make = make;
    this.#list = el('ol', attributes);
    this.#none = el('p', { class: 'faint' }, none);
    this.node = el('div', {}, this.#list, this.#none);
  }

  update(items) {
    const keep = new Map();
    for (const item of items) keep.set(item, this.#drawn.get(item) ?? this.#make(item));
    this.#drawn = keep;
    arrange(this.#list, [...keep.values()].reverse());
    this.#none.hidden = items.length > 0;
    this.#list.hidden = items.length === 0;
  }
}

export function decisionLog() {
  return new Log({ class: 'decisions' }, 'None yet.', (item) => {
    const up = item.to > item.from;
    const time = new Date(item.time);
    return el('li', {},
      el('span', { class: 'step', 'data-way': up ? 'up' : 'down' }, `${up ? '▲' : '▼'} ${item.from} → ${item.to}`),
      el('time', { datetime: item.time, title: item.time }, Number.isNaN(+time) ? '' : clockTime.format(time)),
      el('span', { class: 'why' }, item.reason));
  });
}

/** `wall(at)`: the gateway's milliseconds as a Date. */
export function newsLog(wall) {
  return new Log({ class: 'news', tabindex: '0', 'aria-label': 'Coming and going' }, 'Nobody came or went while this gateway looked.', (item) => {
    const time = wall(item.at);
    return el('li', { 'data-state': item.is || 'Gone' },
      el('span', { class: 'sign', 'aria-hidden': 'true' }, newsSign(item)),
      el('span', {}, el('b', {}, item.worker), ` ${newsWords(item)}`),
      el('time', { datetime: time.toISOString() }, clockTime.format(time)));
  });
}
