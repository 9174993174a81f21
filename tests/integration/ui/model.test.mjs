// The parts of the page that need no browser: how a stream is cut into events, and what they change in the picture.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

// Node takes a .js file without a package for CommonJS; a data: address is a module.
const assets = new URL('../../../gateway/ui/assets/', import.meta.url);
const load = (name) => import(`data:text/javascript;base64,${readFileSync(new URL(name, assets)).toString('base64')}`);
const { EventParser } = await load('stream.js');
const { Model, totals, trouble } = await load('model.js');
const { age, moment } = await load('dom.js');

const pool = (more = {}) => ({
  namespace: 'default', name: 'files', deleting: false, slots: { capacity: 4, used: 1, free: 3, closed: 0, unknown: 0 },
  states: { Active: 1 }, workersTotal: 1, waiting: { total: 0, first: [] }, conditions: [],
  workers: { 'w-0': { state: 'Active' }, 'w-1': { state: 'Active' } }, news: [], decisions: [], samples: [[1, 4, 0]], ...more,
});
const snapshot = (pools) => ({ now: 1000, replica: 'gw', namespace: '', omitted: 0, sampleMillis: 5000, maxSamples: 3, maxNews: 2,
  maxDecisions: 2, pools });

test('events are found however the stream is cut', () => {
  const text = 'event: a\ndata: {"x":1}\n\n: a comment\n\nevent: b\ndata: {}\n\n';
  for (let cut = 1; cut < text.length; cut += 1) {
    const seen = [];
    const parser = new EventParser((name, data) => seen.push(`${name} ${data}`));
    parser.feed(text.slice(0, cut));
    parser.feed(text.slice(cut));
    assert.deepEqual(seen, ['a {"x":1}', 'b {}'], `cut at ${cut}`);
  }
});

test('a change replaces what it names and leaves the rest', () => {
  const model = new Model();
  model.apply('snapshot', snapshot({ 'default/files': pool() }));
  const files = model.pools.get('default/files');
  const untouched = files.workers.get('w-0');
  const { news } = model.apply('change', { now: 2000, pools: { 'default/files': {
    slots: { capacity: 4, used: 2 }, workers: { 'w-1': null, 'w-2': { state: 'Starting' } }, news: [{ worker: 'w-2' }] } } });
  assert.equal(files.slots.used, 2);
  assert.deepEqual([...files.workers.keys()], ['w-0', 'w-2']);
  assert.equal(files.workers.get('w-0'), untouched, 'rows that did not change are the same objects');
  assert.equal(news.length, 1);
});

test('pools come and go', () => {
  const model = new Model();
  model.apply('snapshot', snapshot({}));
  assert.ok(model.apply('change', { now: 1, pools: { 'default/files': pool() } }).all);
  assert.equal(totals(model.pools.values()).capacity, 4);
  assert.ok(model.apply('change', { now: 1, pools: { 'default/files': null } }).all);
  assert.equal(model.pools.size, 0);
  model.apply('change', { now: 1, pools: { 'default/never-told': { slots: {} } } });
  assert.equal(model.pools.size, 0, 'a part of an unknown pool is no pool');
});

test('lists keep to their limits', () => {
  const model = new Model();
  model.apply('snapshot', snapshot({ 'default/files': pool() }));
  for (let i = 0; i < 9; i += 1) {
    model.apply('sample', { now: i, pools: { 'default/files': [i, 4, 0] } });
    model.apply('change', { now: i, pools: { 'default/files': { news: [{ worker: `w-${i}` }] } } });
  }
  const files = model.pools.get('default/files');
  assert.deepEqual(files.samples.map((s) => s[0]), [6, 7, 8]);
  assert.deepEqual(files.news.map((n) => n.worker), ['w-7', 'w-8']);
});

test('what is wrong comes before what waits', () => {
  assert.equal(trouble(pool()), 0);
  assert.equal(trouble(pool({ waiting: { total: 1, first: [] } })), 1);
  assert.equal(trouble(pool({ states: { Unreadable: 1 } })), 2);
});

test('a time of another day comes with its day', () => {
  const now = new Date(2026, 10, 28, 9, 5, 7);
  assert.equal(moment(new Date(2026, 10, 28, 0, 0, 1), now), '00:00:01');
  assert.equal(moment(new Date(2026, 10, 27, 23, 59, 59), now), '27 Nov, 23:59');
  assert.equal(moment(new Date(''), now), '');
});

test('ages have one unit', () => {
  assert.deepEqual([-1, 59_999, 60_000, 3_600_000, 200_000_000].map(age), ['0 s', '59 s', '1 min', '1 h', '2 d']);
});
