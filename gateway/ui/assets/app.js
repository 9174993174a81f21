// Ties the parts together: access, stream, model, cards. Draws at most once a frame.
import * as access from './access.js';
import { arrange, attribute, byNumber, count, plural, text } from './dom.js';
import { Model, totals, trouble } from './model.js';
import { PoolCard } from './pool-card.js';
import { Stream } from './stream.js';
import { newsWords } from './words.js';

const OPEN_BY_ITSELF = 2; // up to so many pools are shown opened
const SAY_EVERY = 3000;
const MOST_SAID = 4;
const REORDER_EVERY = 5000; // an order by changing numbers holds still for so long, to be read and clicked
const HIDDEN_FOR = 60_000; // a page that nobody has looked at for this long lets its stream go

const $ = (id) => document.getElementById(id);
const model = new Model();
const cards = new Map();
let stream = null;
let dirty = new Set();
let arranging = false;
let frame = 0;
let arrangedAt = 0;

// ---- drawing

function schedule() {
  if (frame === 0) frame = requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  const keys = dirty;
  dirty = new Set();
  if (arranging) makeCards();
  for (const key of keys) {
    const pool = model.pools.get(key);
    if (pool) cards.get(key)?.update(pool);
  }
  const stale = $('sort').value !== 'name' && performance.now() - arrangedAt > REORDER_EVERY;
  if (arranging || stale) arrangeCards();
  arranging = false;
  drawTotals();
}

function makeCards() {
  for (const key of cards.keys()) {
    if (!model.pools.has(key)) cards.delete(key);
  }
  const open = model.pools.size <= OPEN_BY_ITSELF;
  for (const [key, pool] of model.pools) {
    if (cards.has(key)) continue;
    const card = new PoolCard(pool, model);
    cards.set(key, card);
    card.update(pool);
    if (open) card.open(true);
  }
}

const orders = {
  name: () => 0,
  waiting: (a, b) => b.waiting.total - a.waiting.total,
  used: (a, b) => share(b) - share(a),
  trouble: (a, b) => trouble(b) - trouble(a) || b.waiting.total - a.waiting.total,
};

function share(pool) {
  return pool.slots.capacity === 0 ? 0 : pool.slots.used / pool.slots.capacity;
}

function arrangeCards() {
  arrangedAt = performance.now();
  const asked = $('filter').value.trim().toLowerCase();
  const order = orders[$('sort').value];
  const shown = [...model.pools]
    .filter(([key]) => key.toLowerCase().includes(asked))
    .sort(([ka, a], [kb, b]) => order(a, b) || byNumber.compare(ka, kb));
  arrangeKeepingFocus(shown.map(([key]) => cards.get(key).node));
  $('empty').hidden = model.pools.size > 0;
  $('tools').hidden = model.pools.size === 0;
  for (const label of $('tools').querySelectorAll('label')) label.hidden = model.pools.size <= 1 && asked === '';
  $('nothing').hidden = shown.length > 0 || model.pools.size === 0;
  text($('nothing'), shown.length > 0 ? '' : `No pool's name contains “${asked}”.`);
  $('pools').toggleAttribute('data-many', model.pools.size > OPEN_BY_ITSELF);
}

function arrangeKeepingFocus(nodes) {
  const focus = document.activeElement;
  arrange($('pools'), nodes);
  if (focus && focus !== document.activeElement && $('pools').contains(focus)) focus.focus({ preventScroll: true });
}

function drawTotals() {
  const sum = totals(model.pools.values());
  text($('total-pools'), count(sum.pools));
  text($('total-workers'), count(sum.workers));
  text($('total-used'), `${count(sum.used)}/${count(sum.capacity)}`);
  text($('total-free'), count(sum.free));
  text($('total-waiting'), count(sum.waiting));
  $('totals').toggleAttribute('data-waiting', sum.waiting > 0);
  const title = sum.waiting > 0 ? `${sum.waiting} waiting · Berth` : 'Berth';
  if (document.title !== title) document.title = title;
}

// ---- saying, for those who do not see

let unsaid = [];
let saying = 0;

function say(words) {
  unsaid.push(words);
  if (saying === 0) saying = setTimeout(speak, SAY_EVERY);
}

function speak() {
  saying = 0;
  const more = unsaid.length - MOST_SAID;
  $('say').textContent = unsaid.slice(0, MOST_SAID).join('. ') + (more > 0 ? `. And ${more} more.` : '.');
  unsaid = [];
}

// ---- the stream

function link(state, words) {
  attribute($('link'), 'data-state', state);
  $('live').toggleAttribute('data-old', state !== 'live');
  text($('link-text'), words);
}

/** `words` are said aloud when they change; `next` is only shown. */
function banner(words, next = '') {
  $('banner').hidden = words === '';
  text($('banner-text'), words);
  text($('banner-next'), next);
}

function onEvent(name, body) {
  const { keys, all, news } = model.apply(name, body);
  for (const key of keys) dirty.add(key);
  arranging = arranging || all;
  if (name === 'snapshot') drawFoot();
  for (const [pool, item] of news) say(`${pool.name}: ${item.worker} ${newsWords(item)}`);
  schedule();
}

function drawFoot() {
  const scope = model.namespace === '' ? 'all namespaces' : `namespace ${model.namespace}`;
  text($('foot-text'), `Seen by the gateway replica “${model.replica}”, ${scope}. Replicas share no state: with several, each shows its ` +
    'own waiting line and history.' + (model.omitted > 0 ? ` ${plural(model.omitted, 'more pool')} not shown.` : ''));
}

function onLive() {
  banner('');
  link('live', 'Live');
  show('live');
}

let lostSince = null;

function onLost(reason, pause) {
  if (lostSince === null) lostSince = new Date();
  link('lost', 'Not connected');
  if (model.replica === '') show('live');
  banner(`No connection since ${lostSince.toLocaleTimeString('en-GB')}: ${reason}. What you see may be old.`,
    `Trying again in ${Math.max(1, Math.round(pause / 1000))} s. If berth dev has ended, start it again and open the link that it ` +
    'prints; with kubectl port-forward, start that again.');
}

function onRefused(status, error) {
  link('refused', 'Not allowed');
  const why = error.message ?? `the gateway refused this token (${status})`;
  askForToken(`${why.charAt(0).toUpperCase()}${why.slice(1)}.`);
}

function connect({ token, namespace }) {
  stream?.stop();
  banner('');
  if (token === '') {
    stream = null;
    link('refused', 'Not connected');
    askForToken('');
    return;
  }
  link('connecting', 'Connecting');
  $('sign-in').hidden = true;
  const query = namespace === '' ? '' : `?namespace=${encodeURIComponent(namespace)}`;
  stream = new Stream(`events${query}`, token, {
    event: onEvent,
    live: () => { lostSince = null; onLive(); },
    lost: onLost,
    refused: onRefused,
  });
}

function show(part) {
  $('sign-in').hidden = part !== 'sign-in';
  $('live').hidden = part !== 'live' || model.replica === '';
  $('totals').hidden = $('foot').hidden = $('live').hidden;
}

function askForToken(error) {
  banner('');
  show('sign-in');
  $('sign-in-error').hidden = error === '';
  text($('sign-in-error'), error);
  $('namespace').value = access.load().namespace;
  $('token').value = '';
  $('token').focus();
}

// ---- what people do

$('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault();
  access.save($('token').value.trim(), $('namespace').value.trim());
  connect(access.load());
});
$('tools').addEventListener('submit', (event) => event.preventDefault());
$('retry').addEventListener('click', () => stream?.tryNow());
$('filter').addEventListener('input', () => { arranging = true; schedule(); });
$('sort').addEventListener('change', () => { arranging = true; schedule(); });
$('forget').addEventListener('click', () => {
  access.forget();
  connect(access.load());
});
window.addEventListener('hashchange', () => {
  if (location.hash.includes('token=')) connect(access.load());
});

let hiddenTimer = 0;
document.addEventListener('visibilitychange', () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(() => { stream?.stop(); stream = null; }, HIDDEN_FOR);
  } else if (stream === null && access.load().token !== '') { // else somebody is about to paste one
    connect(access.load());
  }
});

setInterval(() => {
  const now = model.now();
  for (const card of cards.values()) if (card.pool?.waiting.total > 0) card.tick(now);
}, 1000);

connect(access.load());
