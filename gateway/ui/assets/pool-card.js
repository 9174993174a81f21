// One pool: always its numbers and a map of its slots; opened, its workers, waiting line, history and decisions.
import { Chart } from './chart.js';
import { age, attribute, count, el, plural, text } from './dom.js';
import { decisionLog, newsLog, WaitingList } from './lists.js';
import { condition, trouble } from './model.js';
import { WorkerMap, WorkerTable } from './workers.js';
import { planWords } from './words.js';

let last = 0;

class Details {
  #workers;
  #chart = new Chart(true);
  #waiting = new WaitingList();
  #decisions = decisionLog();
  #news;
  node;

  constructor(pool, wall, id) {
    const name = `${pool.namespace}/${pool.name}`;
    this.#workers = new WorkerTable(name);
    this.#news = newsLog(wall, name);
    const part = (title, ...content) => el('section', {}, el('h3', {}, title), ...content);
    const key = (cls, word) => el('li', {}, el('span', { class: `key ${cls}`, 'aria-hidden': 'true' }), word);
    this.node = el('div', { class: 'details', id },
      el('div', { class: 'left' }, part('Workers', this.#workers.node), part('Coming and going', this.#news.node)),
      el('div', { class: 'right' },
        part('History', this.#chart.node, el('ul', { class: 'keys' }, key('used', 'used'),
          key('capacity', 'all slots'), key('waiting', 'waiting'))),
        part('Waiting for a slot', this.#waiting.node),
        part('Scaling decisions', this.#decisions.node)));
  }

  update(pool, model) {
    this.#workers.update(pool);
    this.#chart.draw(pool.samples, model.sampleMillis);
    this.#waiting.update(pool.waiting);
    this.#decisions.update(pool.decisions);
    this.#news.update(pool.news);
    this.tick(model.now());
  }

  tick(now) {
    this.#waiting.tick(now);
  }
}

export class PoolCard {
  #model;
  #pool = null;
  #details = null;
  #open = false;
  #id = `pool-${(last += 1)}`;
  #toggle;
  #numbers = el('span', { class: 'fraction', 'aria-hidden': 'true' }); // the bar says it in words
  #plan = el('span', { class: 'faint' });
  #badges = el('span', { class: 'badges' });
  #word = el('span');
  #sentence = el('p', { class: 'sentence', title: 'The operator\'s last word; it may be up to 30 s old' },
    el('span', { class: 'faint' }, 'Operator: '), this.#word);
  #bar = el('div', { class: 'bar', role: 'img' });
  #parts = Object.fromEntries(['used', 'free', 'closed', 'unknown'].map((k) => [k, el('span', { 'data-kind': k })]));
  #map = new WorkerMap();
  #spark = new Chart(false);
  #brief;
  node;

  constructor(pool, model) {
    this.#model = model;
    this.#bar.append(...Object.values(this.#parts));
    this.#toggle = el('button', { type: 'button', class: 'toggle', 'aria-expanded': 'false', 'aria-controls': this.#id },
      el('span', { class: 'chevron', 'aria-hidden': 'true' }),
      el('span', { class: 'name' }, el('span', { class: 'faint' }, `${pool.namespace}/`), pool.name));
    this.#toggle.addEventListener('click', () => this.open(!this.#open));
    this.#brief = el('div', { class: 'brief' }, this.#map.node, this.#spark.node);
    this.node = el('article', { class: 'pool', 'aria-label': `${pool.namespace}/${pool.name}` },
      el('header', {}, el('h2', {}, this.#toggle), this.#numbers),
      this.#bar, el('div', { class: 'plan' }, this.#plan, this.#badges), this.#sentence, this.#brief);
  }

  get pool() {
    return this.#pool;
  }

  open(now) {
    if (now === this.#open) return;
    this.#open = now;
    attribute(this.#toggle, 'aria-expanded', now);
    this.node.toggleAttribute('data-open', now);
    this.#brief.hidden = now;
    if (now) {
      const wall = (at) => new Date(Date.now() - (this.#model.now() - at));
      this.#details = new Details(this.#pool, wall, this.#id);
      this.node.append(this.#details.node);
    } else {
      this.#details.node.remove();
      this.#details = null;
    }
    this.update(this.#pool);
  }

  update(pool) {
    this.#pool = pool;
    const { slots } = pool;
    attribute(this.node, 'data-trouble', trouble(pool));
    text(this.#numbers, `${count(slots.used)}/${count(slots.capacity)}`);
    for (const [kind, node] of Object.entries(this.#parts)) {
      node.style.setProperty('flex-grow', slots[kind]);
      node.hidden = slots[kind] === 0;
    }
    const rest = ['free', 'closed', 'unknown'].filter((kind) => slots[kind] > 0).map((kind) => `, ${slots[kind]} ${kind}`);
    attribute(this.#bar, 'aria-label', `${slots.used} of ${slots.capacity} slots used${rest.join('')}`);
    this.#tellPlan(pool);
    this.#tellBadges(pool);
    if (this.#open) this.#details.update(pool, this.#model);
    else {
      this.#map.update(pool);
      this.#spark.draw(pool.samples, this.#model.sampleMillis);
    }
    this.tick(this.#model.now());
  }

  /** Once a second. */
  tick(now) {
    this.#details?.tick(now);
    const oldest = this.#pool.waiting.first[0];
    const badge = this.#badges.querySelector('[data-badge="waiting"]');
    if (badge && oldest) text(badge, `${this.#pool.waiting.total} waiting, ${age(now - oldest.since)}`);
  }

  #tellPlan(pool) {
    const wanted = pool.plan.desired;
    text(this.#plan, `${plural(pool.workersTotal, 'worker')}` +
      (wanted !== null && wanted !== pool.workersTotal ? `, ${wanted} wanted` : '') + ` (${planWords(pool.plan)})`);
    const degraded = condition(pool, 'Degraded');
    const limited = condition(pool, 'ScalingLimited');
    text(this.#word, (degraded?.status ? degraded.message : '') || limited?.message || condition(pool, 'Ready')?.message ||
      'has not looked at this pool yet');
  }

  #tellBadges(pool) {
    const badges = [];
    if (pool.waiting.total > 0) badges.push(['waiting', `${pool.waiting.total} waiting`]);
    const degraded = condition(pool, 'Degraded');
    if (degraded?.status) badges.push(['degraded', degraded.reason]);
    else if (pool.states.Unreadable) badges.push(['degraded', `${pool.states.Unreadable} unreadable`]);
    const limited = condition(pool, 'ScalingLimited');
    if (limited?.status) badges.push(['limited', limited.reason]);
    if (pool.deleting) badges.push(['deleting', 'being deleted']);
    const wanted = badges.map(([kind, word]) => `${kind} ${word}`).join();
    if (this.#badges.dataset.shown !== wanted) {
      this.#badges.dataset.shown = wanted;
      this.#badges.replaceChildren(...badges.map(([kind, word]) => el('span', { 'data-badge': kind }, word)));
    }
  }
}
