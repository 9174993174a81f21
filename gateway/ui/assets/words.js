// What things are called on the page.
export const STATES = {
  Active: { sign: '●', word: 'Active' },
  Starting: { sign: '◌', word: 'Starting' },
  Cordoned: { sign: '⊘', word: 'Cordoned' },
  Draining: { sign: '▽', word: 'Draining' },
  Retired: { sign: '■', word: 'Retired' },
  Unreadable: { sign: '?', word: 'Unreadable' },
  Terminating: { sign: '×', word: 'Terminating' },
};

export function stateOf(row) {
  if (row.state === 'Active' && !row.ready) return { sign: '◌', word: 'Not ready', state: 'Starting' };
  return { ...(STATES[row.state] ?? { sign: '○', word: row.state }), state: row.state };
}

const BECAME = {
  Active: 'takes sessions',
  Starting: 'is starting',
  Cordoned: 'takes no new session',
  Draining: 'is draining',
  Retired: 'has retired',
  Unreadable: 'cannot be read',
  Terminating: 'is ending',
};

/** A news item in words, without the worker's name. */
export function newsWords(item) {
  if (item.was === '') return 'came';
  if (item.is === '') return 'went';
  if (item.restarted) return 'restarted, answers again';
  if (item.was === 'Unreadable' && item.is === 'Active') return 'answers again';
  return BECAME[item.is] ?? `is ${item.is}`;
}

export function newsSign(item) {
  if (item.was === '') return '+';
  if (item.is === '') return '−';
  return STATES[item.is]?.sign ?? '○';
}

export function planWords(plan) {
  if (plan.fixed !== null) return `fixed at ${plan.fixed}`;
  return `${plan.min}–${plan.max}`;
}

export function resourceWords(resources) {
  return Object.entries(resources ?? {})
    .map(([name, amount]) => (Array.isArray(amount) ? `${name} ${amount[0]}/${amount[1]}` : `${name} ${amount}`))
    .join(', ');
}
