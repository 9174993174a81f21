// One real `berth dev` in a directory of its own.
import { spawn, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './browser.mjs';

const bin = process.env.BERTH_BIN;
const NAME = 'BERTH_POD_NAME=';

export function pool(name, spec = {}) {
  return JSON.stringify({
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'SessionPool',
    metadata: { name },
    spec: {
      worker: { exec: true },
      sessions: { maxPerWorker: 4 },
      scaling: { minWorkers: 2, maxWorkers: 4, freeSlots: 1, scaleDown: { stabilizationWindow: '2s' } },
      ...spec,
    },
  });
}

/** Processes whose environment names `text`. */
function processesWith(text) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const named = environment.some((line) => line.includes(text));
      return named ? [{ pid: Number(pid), environment, program: readlinkSync(`/proc/${pid}/exe`) }] : [];
    } catch {
      return []; // it has ended, or is somebody else's
    }
  });
}

/** `pools`: texts of pool(). `listen` keeps a port over a restart. */
export async function startDev(pools, listen = '127.0.0.1:0') {
  const dir = mkdtempSync(join(tmpdir(), 'berth-ui-dev-'));
  const files = pools.flatMap((text, i) => {
    const file = join(dir, `pool-${i}.json`);
    writeFileSync(file, text);
    return ['-f', file];
  });
  const env = { ...process.env, XDG_STATE_HOME: dir };
  const ready = join(dir, 'ready.json');
  const log = openSync(join(dir, 'dev.log'), 'w');
  const child = spawn(join(bin, 'berth'), ['dev', '--listen', listen, '--data-dir', join(dir, 'dev'), '--ready-file', ready, ...files],
    { env, stdio: ['ignore', log, log] });
  let ended = false;
  const end = new Promise((done) => child.on('exit', () => { ended = true; done(); }));
  await until(() => ended || existsSync(ready), '`berth dev` is ready', 60_000);
  if (ended) throw new Error(readFileSync(join(dir, 'dev.log'), 'utf8'));
  const addresses = JSON.parse(readFileSync(ready, 'utf8'));
  const token = readFileSync(addresses.tokenFile, 'utf8').trim();

  return {
    gateway: addresses.gateway,
    page: addresses.page,
    token,
    link: `${addresses.page}#token=${token}`,
    output: () => readFileSync(join(dir, 'dev.log'), 'utf8'),

    /** The ids of `count` sessions of the pool, kept alive for as long as this process lives. */
    openSessions(poolName, count) {
      return Array.from({ length: count }, () => execFileSync(join(bin, 'berth'),
        ['session', 'create', '--pool', poolName, '--keep', String(process.pid)], { env, encoding: 'utf8' }).trim());
    },
    completeSession(id) {
      execFileSync(join(bin, 'berth'), ['session', 'complete', id], { env });
    },
    /** Asks for a session that will have to wait; returns the request to abandon it by. */
    waitForSession(poolName, id) {
      const abort = new AbortController();
      fetch(`${addresses.gateway}/v1/namespaces/default/pools/${poolName}/sessions`, {
        method: 'POST', signal: abort.signal, headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ id, creationTimeout: '2m' }),
      }).catch(() => {});
      return abort;
    },
    /** The processes of this cluster's workers by pod name. */
    workerPids() {
      const workers = processesWith(dir).filter(({ program }) => program.endsWith('/berth-worker'));
      return new Map(workers.map(({ pid, environment }) =>
        [environment.find((line) => line.startsWith(NAME))?.slice(NAME.length), pid]));
    },
    async stop() {
      child.kill('SIGINT');
      await end;
      // Those that keep sessions notice by themselves that the gateway has gone.
      await until(() => processesWith(dir).length === 0, 'everything has ended', 60_000);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
