// The page's picture of the pools: a snapshot, and what each event changes in it. Knows nothing of the DOM.
// Objects of workers are replaced, never changed, so a view sees by identity what is new.

const WHOLE = new Set(['workers', 'news', 'decisions', 'samples']);

export class Model {
  pools = new Map(); // by "namespace/name"
  replica = '';
  namespace = '';
  omitted = 0;
  sampleMillis = 5000;

  #offset = 0; // from our clock to the gateway's
  #limits = { maxSamples: 120, maxNews: 50, maxDecisions: 10 };

  /** The gateway's time, in its milliseconds. */
  now() {
    return performance.now() + this.#offset;
  }

  /** Returns what the event changed: {keys, all, news: [[pool, item]]}. */
  apply(name, body) {
    this.#offset = body.now - performance.now();
    if (name === 'snapshot') return this.#snapshot(body);
    if (name === 'change') return this.#change(body.pools);
    if (name === 'sample') return this.#sample(body.pools);
    return { keys: [], all: false, news: [] }; // of a newer gateway
  }

  #snapshot(body) {
    this.replica = body.replica;
    this.namespace = body.namespace;
    this.omitted = body.omitted;
    this.sampleMillis = body.sampleMillis;
    for (const limit of Object.keys(this.#limits)) this.#limits[limit] = body[limit];
    this.pools = new Map(Object.entries(body.pools).map(([key, pool]) => [key, adopt(pool)]));
    return { keys: [...this.pools.keys()], all: true, news: [] };
  }

  #change(pools) {
    const news = [];
    let all = false;
    for (const [key, change] of Object.entries(pools)) {
      const pool = this.pools.get(key);
      if (change === null) {
        all = this.pools.delete(key) || all;
      } else if (!pool) {
        if (change.name === undefined) continue; // a part of a pool that we were never told of
        this.pools.set(key, adopt(change));
        all = true;
      } else {
        this.#merge(pool, change);
        for (const item of change.news ?? []) news.push([pool, item]);
      }
    }
    return { keys: Object.keys(pools), all, news };
  }

  #merge(pool, change) {
    for (const [name, value] of Object.entries(change)) {
      if (!WHOLE.has(name)) pool[name] = value;
    }
    for (const [name, row] of Object.entries(change.workers ?? {})) {
      if (row === null) pool.workers.delete(name);
      else pool.workers.set(name, row);
    }
    append(pool.news, change.news, this.#limits.maxNews);
    append(pool.decisions, change.decisions, this.#limits.maxDecisions);
  }

  #sample(pools) {
    for (const [key, sample] of Object.entries(pools)) {
      const pool = this.pools.get(key);
      if (pool) append(pool.samples, [sample], this.#limits.maxSamples);
    }
    return { keys: Object.keys(pools), all: false, news: [] };
  }
}

function adopt(pool) {
  return { ...pool, news: pool.news ?? [], decisions: pool.decisions ?? [], samples: pool.samples ?? [],
    workers: new Map(Object.entries(pool.workers)) };
}

function append(list, more, most) {
  if (!more) return;
  list.push(...more);
  if (list.length > most) list.splice(0, list.length - most);
}

export function condition(pool, type) {
  return pool.conditions.find((c) => c.type === type);
}

/** What a person should look at first: 2 something is wrong, 1 sessions wait or scaling is held back, 0 all is well. */
export function trouble(pool) {
  if (condition(pool, 'Degraded')?.status || (pool.states.Unreadable ?? 0) > 0) return 2;
  if (pool.waiting.total > 0 || condition(pool, 'ScalingLimited')?.status) return 1;
  return 0;
}

export function totals(pools) {
  const sum = { pools: 0, workers: 0, capacity: 0, used: 0, free: 0, waiting: 0 };
  for (const pool of pools) {
    sum.pools += 1;
    sum.workers += pool.workersTotal;
    sum.capacity += pool.slots.capacity;
    sum.used += pool.slots.used;
    sum.free += pool.slots.free;
    sum.waiting += pool.waiting.total;
  }
  return sum;
}
