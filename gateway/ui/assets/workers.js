// A pool's workers: as a table with a row each, and as a small map of nothing but slots.
import { arrange, attribute, byNumber, el, text } from './dom.js';
import { describe, drawSlots, makeSlots } from './slots.js';
import { resourceWords, stateOf } from './words.js';

const STAYS = 4000; // how long the row of a worker that went can still be seen
const MOST_IN_MAP = 60;

class Row {
  row = null;
  #state = el('span', { class: 'state' });
  #sign = el('span', { class: 'sign', 'aria-hidden': 'true' });
  #word = el('span');
  #slots = makeSlots();
  #used = el('td', { class: 'number' });
  #activities = el('td', { class: 'number wide' });
  #more = el('span', { class: 'faint' });
  node;

  constructor(name) {
    this.#state.append(this.#sign, this.#word);
    this.node = el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, this.#state),
      el('td', { class: 'slot-cell' }, this.#slots, this.#more), this.#used, this.#activities);
  }

  update(row) {
    if (row === this.row) return;
    this.row = row;
    const { sign, word, state } = stateOf(row);
    attribute(this.node, 'data-state', state);
    text(this.#sign, sign);
    text(this.#word, word);
    drawSlots(this.#slots, row);
    text(this.#used, row.capacity === 0 ? '' : `${row.used}/${row.capacity}`);
    text(this.#activities, row.activities || '');
    text(this.#more, resourceWords(row.resources));
  }

  gone() {
    attribute(this.node, 'data-state', 'Gone');
    text(this.#sign, '−');
    text(this.#word, 'Gone');
  }
}

export class WorkerTable {
  #rows = new Map();
  #order = [];
  #body = el('tbody');
  #none = el('p', { class: 'faint' }, 'No worker now.');
  #note = el('p', { class: 'faint' });
  #table;
  #drawn = false;
  node;

  constructor(pool) {
    this.#table = el('table', { class: 'workers' }, el('caption', { class: 'unseen' }, `Workers of ${pool}`),
      el('thead', {}, el('tr', {}, ...[['Worker', ''], ['State', ''], ['Slots', ''], ['Used', 'number'],
        ['Activities', 'number wide']].map(([word, cls]) => el('th', { scope: 'col', class: cls }, word)))), this.#body);
    this.node = el('div', { class: 'worker-list', tabindex: '0', role: 'region', 'aria-label': `Workers of ${pool}, list` },
      this.#table, this.#none, this.#note);
  }

  update(pool) {
    let changed = !this.#drawn;
    for (const [name, row] of pool.workers) {
      let view = this.#rows.get(name);
      if (!view || view.row === null) {
        view = new Row(name);
        if (this.#drawn) view.node.classList.add('came');
        this.#rows.set(name, view);
        changed = true;
      }
      view.update(row);
    }
    for (const [name, view] of this.#rows) {
      if (!pool.workers.has(name) && view.row !== null) {
        view.row = null;
        view.gone();
        setTimeout(() => this.#forget(name, view), STAYS);
      }
    }
    this.#drawn = true;
    if (changed) this.#arrange();
    this.#none.hidden = this.#rows.size > 0;
    this.#table.hidden = this.#rows.size === 0;
    const left = pool.workersTotal - pool.workers.size;
    text(this.#note, left > 0 ? `${left} more are not listed.` : '');
    this.#note.hidden = left <= 0;
  }

  #forget(name, view) {
    if (this.#rows.get(name) === view) this.#rows.delete(name);
    view.node.remove();
    this.#none.hidden = this.#rows.size > 0;
    this.#table.hidden = this.#rows.size === 0;
  }

  #arrange() {
    this.#order = [...this.#rows.keys()].sort(byNumber.compare);
    arrange(this.#body, this.#order.map((name) => this.#rows.get(name).node));
  }
}

export class WorkerMap {
  #cells = new Map(); // name -> {node, row}
  #more = el('span', { class: 'faint' });
  node = el('div', { class: 'map', role: 'group' });

  update(pool) {
    const names = [...pool.workers.keys()];
    let changed = this.node.childElementCount === 0;
    for (const name of this.#cells.keys()) {
      if (!pool.workers.has(name)) {
        this.#cells.delete(name);
        changed = true;
      }
    }
    const shown = this.#cells.size === Math.min(names.length, MOST_IN_MAP) && !changed
      ? [...this.#cells.keys()] : names.sort(byNumber.compare).slice(0, MOST_IN_MAP);
    for (const name of shown) {
      let cell = this.#cells.get(name);
      if (!cell) {
        cell = { node: makeSlots(), row: null };
        this.#cells.set(name, cell);
        changed = true;
      }
      const row = pool.workers.get(name);
      if (cell.row !== row) {
        cell.row = row;
        drawSlots(cell.node, row);
        attribute(cell.node, 'title', `${name}: ${stateOf(row).word}, ${describe(row)}`);
        cell.node.setAttribute('aria-hidden', 'true');
        attribute(cell.node, 'data-state', stateOf(row).state);
      }
    }
    if (changed) {
      for (const name of this.#cells.keys()) if (!shown.includes(name)) this.#cells.delete(name);
      arrange(this.node, [...shown.map((name) => this.#cells.get(name).node), this.#more]);
    }
    const left = pool.workersTotal - shown.length;
    text(this.#more, left > 0 ? `+${left}` : pool.workersTotal === 0 ? 'No worker now.' : '');
    attribute(this.node, 'aria-label', `Workers: ${Object.entries(pool.states).map(([s, n]) => `${n} ${s}`).join(', ') || 'none'}`);
  }
}
