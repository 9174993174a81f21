// The three lists beside a pool's workers: who waits, what was decided, who came and went.
import { age, arrange, el, moment, text } from './dom.js';
import { newsSign, newsWords, resourceWords } from './words.js';


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
    const now = new Date();
    for (const item of items) {
      const node = this.#drawn.get(item) ?? this.#make(item);
      const time = node.querySelector('time');
      text(time, moment(new Date(time.dateTime), now)); // today's are another day's tomorrow
      keep.set(item, node);
    }
    this.#drawn = keep;
    arrange(this.#list, [...keep.values()].reverse());
    this.#none.hidden = items.length > 0;
    this.#list.hidden = items.length === 0;
  }
}

export function decisionLog() {
  return new Log({ class: 'decisions' }, 'None yet.', (item) => {
    const up = item.to > item.from;
    return el('li', {},
      el('span', { class: 'step', 'data-way': up ? 'up' : 'down' }, `${up ? '▲' : '▼'} ${item.from} → ${item.to}`),
      el('time', { datetime: item.time, title: item.time }),
      el('span', { class: 'why' }, item.reason));
  });
}

/** `wall(at)`: the gateway's milliseconds as a Date. */
export function newsLog(wall, pool) {
  return new Log({ class: 'news', tabindex: '0', 'aria-label': `Coming and going in ${pool}` }, 'Nobody came or went while this gateway looked.', (item) => {
    const time = wall(item.at).toISOString();
    return el('li', { 'data-state': item.is || 'Gone' },
      el('span', { class: 'sign', 'aria-hidden': 'true' }, newsSign(item)),
      el('span', {}, el('b', {}, item.worker), ` ${newsWords(item)}`),
      el('time', { datetime: time, title: time }));
  });
}
