// One worker's slots as one element: a row of cells, or a bar when there are many. Drawn by page.css from two numbers, so a
// change costs no new element.
import { attribute, el } from './dom.js';

const MOST_CELLS = 20;
const OPEN = 'Active';

/** What becomes of the slots that are not used: "open", "closed" or "unknown". */
export function kindOf(row) {
  if (row.state === 'Unreadable') return 'unknown';
  return row.state === OPEN && row.ready ? 'open' : 'closed';
}

const REST = { open: 'free', closed: 'closed', unknown: 'unknown' };

export function describe(row) {
  if (row.capacity === 0) return 'no slots yet';
  return `${row.used} of ${row.capacity} slots used, ${Math.max(0, row.capacity - row.used)} ${REST[kindOf(row)]}`;
}

export function makeSlots() {
  return el('span', { class: 'slots', role: 'img' });
}

export function drawSlots(node, row) {
  node.style.setProperty('--c', Math.max(1, row.capacity));
  node.style.setProperty('--u', Math.min(row.used, row.capacity));
  attribute(node, 'data-kind', row.capacity === 0 ? 'none' : kindOf(row));
  node.toggleAttribute('data-bar', row.capacity > MOST_CELLS);
  attribute(node, 'aria-label', describe(row));
}
