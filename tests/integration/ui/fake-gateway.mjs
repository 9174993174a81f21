// A gateway with as many pools and workers as asked for: the page itself comes from a real gateway, only its events are made
// up here, in the form of docs/openapi.yaml.
import { createServer } from 'node:http';

const STATES = ['Active', 'Active', 'Active', 'Active', 'Active', 'Active', 'Active', 'Active', 'Cordoned', 'Draining'];

/** The same numbers in every run. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
}

function head(namespace, name, rows, waiting, now) {
  const slots = { capacity: 0, used: 0, free: 0, closed: 0, unknown: 0 };
  const states = {};
  for (const row of Object.values(rows)) {
    slots.capacity += row.capacity;
    slots.used += row.used;
    slots[row.state === 'Unreadable' ? 'unknown' : row.state === 'Active' ? 'free' : 'closed'] += row.capacity - row.used;
    states[row.state] = (states[row.state] ?? 0) + 1;
  }
  const desired = Object.keys(rows).length;
  return {
    namespace, name, deleting: false, slots, states, workersTotal: desired,
    waiting: { total: waiting, first: Array.from({ length: Math.min(waiting, 20) }, (_, i) => ({ id: `session-${i}`, since: now - 1000 * (waiting - i) })) },
    plan: { min: 2, max: 600, fixed: null, desired },
    conditions: [
      { type: 'Ready', status: true, reason: 'SlotsFree', message: `${slots.used} used + ${waiting} waiting + 2 free` },
      { type: 'ScalingLimited', status: waiting > 0, reason: waiting > 0 ? 'MaxWorkers' : 'None',
        message: `${slots.used} used + ${waiting} waiting + 2 free slots to keep = ${Math.ceil((slots.used + waiting + 2) / 4)} workers of 4 slots` },
    ],
  };
}

/**
 * `pools` × `workers`. Serves until close(). `tick()` changes `share` of all workers and sends one event to every stream;
 * `start(millis)` does that again and again. `events()` counts what was sent.
 */
export async function fakeGateway({ real, pools, workers, share = 0.02 }) {
  const random = numbers(7);
  const now = () => Math.round(performance.now());
  const all = new Map();
  for (let p = 0; p < pools; p += 1) {
    const namespace = ['media', 'research', 'web'][p % 3];
    const name = `${['encode', 'index', 'render', 'train', 'tests'][p % 5]}-${p}`;
    const rows = {};
    for (let w = 0; w < workers; w += 1) {
      const state = w % 97 === 96 ? 'Unreadable' : STATES[random(STATES.length)];
      rows[`${name}-${w}`] = { state, ready: state !== 'Unreadable', capacity: 4, used: random(5), sessions: 0, activities: random(3) };
    }
    const samples = Array.from({ length: 120 }, (_, i) =>
      [Math.round(workers * (2 + Math.sin((i + p * 9) / 12))), workers * 4, p % 7 === 0 ? Math.max(0, Math.round(12 * Math.sin(i / 9))) : 0]);
    all.set(`${namespace}/${name}`, { namespace, name, rows, samples, waiting: p % 7 === 0 ? 3 + p : 0 });
  }
  const streams = new Set();
  let events = 0;

  const write = (stream, name, body) => stream.write(`event: ${name}\ndata: ${JSON.stringify(body)}\n\n`);
  const snapshot = () => ({
    now: now(), replica: 'gateway-fake', namespace: '', omitted: 0, sampleMillis: 5000, maxSamples: 120, maxNews: 50, maxDecisions: 10,
    pools: Object.fromEntries([...all].map(([key, pool]) => [key, {
      ...head(pool.namespace, pool.name, pool.rows, pool.waiting, now()), workers: pool.rows, news: [],
      decisions: [{ time: '2026-01-02T03:04:05Z', from: workers - 2, to: workers, reason: 'more sessions than slots' }], samples: pool.samples,
    }])),
  });
  const tick = () => {
    const changes = {};
    for (const [key, pool] of all) {
      const changed = {};
      const names = Object.keys(pool.rows);
      for (let i = 0; i < Math.ceil(names.length * share); i += 1) {
        const name = names[random(names.length)];
        const old = pool.rows[name];
        changed[name] = pool.rows[name] = { ...old, used: Math.max(0, Math.min(4, old.used + random(3) - 1)), activities: random(4) };
      }
      const { slots, states, conditions } = head(pool.namespace, pool.name, pool.rows, pool.waiting, now());
      changes[key] = { slots, states, conditions, workers: changed };
    }
    events += 1;
    for (const stream of streams) write(stream, 'change', { now: now(), pools: changes });
  };

  const server = createServer(async (request, response) => {
    if (request.url.startsWith('/ui/events')) {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      write(response, 'snapshot', snapshot());
      streams.add(response);
      response.on('close', () => streams.delete(response));
      return;
    }
    const answer = await fetch(real + request.url);
    response.writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([n]) => n !== 'connection' && n !== 'content-length')));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  let timer = 0;
  return {
    link: `http://127.0.0.1:${server.address().port}/ui/#token=fake-token-of-the-test`,
    tick,
    start(millis) { timer = setInterval(tick, millis); },
    events: () => events,
    snapshotBytes: () => JSON.stringify(snapshot()).length,
    async close() {
      clearInterval(timer);
      for (const stream of streams) stream.destroy();
      server.closeAllConnections?.();
      await new Promise((done) => server.close(done));
    },
  };
}
