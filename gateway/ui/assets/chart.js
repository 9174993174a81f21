// A pool's last minutes: slots used (area), all slots (dashed), waiting (dotted). Lines differ by more than their colour.
import { attribute, el, svg, text } from './dom.js';

const HEIGHT = 100;
const SPANS = [24, 60, 120]; // a young history fills the width too

function steps(values, top, span) {
  const left = span - values.length;
  return values.map((v, i) => {
    const y = (HEIGHT - (v / top) * HEIGHT).toFixed(2);
    return `${i === 0 ? `M${left} ${y}` : `V${y}`}H${left + i + 1}`;
  }).join('');
}

export class Chart {
  #area = svg('path', { class: 'used-area' });
  #used = svg('path', { class: 'used-line' });
  #capacity = svg('path', { class: 'capacity-line' });
  #waiting = svg('path', { class: 'waiting-line' });
  #top = el('span', { class: 'chart-top' });
  #begin = el('span');
  #none = el('p', { class: 'chart-none' }, 'Nothing yet: a point comes every few seconds.');
  #picture;
  #drawn = '';
  node;

  constructor(withAxes) {
    this.#picture = svg('svg', { preserveAspectRatio: 'none', role: 'img', 'aria-label': 'No history yet' },
      this.#area, this.#used, this.#capacity, this.#waiting);
    const chart = el('div', { class: 'chart' }, this.#picture);
    this.node = el('div', {}, chart);
    if (withAxes) {
      chart.append(this.#top, this.#none);
      this.node.append(el('div', { class: 'chart-ends', 'aria-hidden': 'true' }, this.#begin, el('span', {}, 'now')));
    }
  }

  draw(samples, sampleMillis) {
    const last = samples.at(-1);
    const drawn = `${samples.length} ${samples.join(';')}`;
    if (!last || drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#none.hidden = true;
    const top = Math.max(1, ...samples.map(([used, capacity, waiting]) => Math.max(used, capacity, waiting)));
    const span = SPANS.find((s) => s >= samples.length) ?? samples.length;
    attribute(this.#picture, 'viewBox', `0 0 ${span} ${HEIGHT}`);
    text(this.#begin, `${Math.round((span * sampleMillis) / 60_000)} min ago`);
    const used = steps(samples.map((s) => s[0]), top, span);
    this.#used.setAttribute('d', used);
    this.#area.setAttribute('d', `${used}V${HEIGHT}H${span - samples.length}Z`);
    this.#capacity.setAttribute('d', steps(samples.map((s) => s[1]), top, span));
    const waited = samples.some((s) => s[2] > 0);
    this.#waiting.setAttribute('d', waited ? steps(samples.map((s) => s[2]), top, span) : '');
    text(this.#top, top);
    const minutes = Math.max(1, Math.round((samples.length * sampleMillis) / 60_000));
    attribute(this.#picture, 'aria-label', `The last ${minutes} min: now ${last[0]} of ${last[1]} slots used and ` +
      `${last[2]} waiting; at most ${Math.max(...samples.map((s) => s[0]))} used, ` +
      `${Math.max(...samples.map((s) => s[1]))} slots and ${Math.max(...samples.map((s) => s[2]))} waiting`);
  }
}
