/** Dynamo mode on a real SLURM cluster: real etcd, NATS and frontends, and Dynamo's own simulated engines. */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { StatusFile } from '../src/srtctl/supervise/run-directory.ts';
import { skipWithoutSlurm } from './slurm/allocation.ts';
import { SlurmCluster } from './slurm/cluster.ts';
import { Shell } from './slurm/shell.ts';
import { dynamoOrSkip } from './support/dynamo.ts';
import { complete } from './support/srtctl-run.ts';

const dynamo = await dynamoOrSkip();
const skip = (await skipWithoutSlurm()) || dynamo.skip;

/** `frontends` and `resources`: their keys in YAML. */
function recipe(frontends: string, resources: string): string {
  const flags = '{ tensor-parallel-size: 4, disaggregation-transfer-backend: nixl }';
  return `
name: dynamo
model: { path: tiny }
resources: { gpus_per_node: 4, ${resources} }
backend:
  type: sim
  use_sglang_router: false
  ${frontends}
  sglang_config:
    ${resources.includes('agg') ? 'aggregated: { tensor-parallel-size: 4 }' : `{ prefill: ${flags}, decode: ${flags} }`}
health_check: { interval_seconds: 1, max_attempts: 60 }
sbatch_directives: { exclusive: true }
`;
}

const MANY = 'num_additional_frontends: 1';
const ONE = 'enable_multiple_frontends: false';
const PAIRS = 'prefill_nodes: 2, prefill_workers: 2, decode_nodes: 2, decode_workers: 2';
const PAIR = 'prefill_nodes: 1, prefill_workers: 1, decode_nodes: 1, decode_workers: 1';
const AGGREGATED = 'agg_nodes: 2, agg_workers: 2';

const idsOf = ({ processes }: StatusFile): readonly string[] => processes.map(({ id }) => id).sort();

describe('a job of SLURM in Dynamo mode', { skip, concurrency: 3, timeout: 300_000 }, () => {
  let cluster: SlurmCluster;
  before(async () => {
    cluster = await SlurmCluster.start(8);
  });
  after(() => cluster.stop());

  const open = (t: TestContext, frontends: string, resources: string): Promise<Shell> =>
    Shell.open(t, cluster, recipe(frontends, resources), dynamo.env);

  /** Ends `id` of a job that serves by SIGKILL, and gives the exit code and the words of `wait`. */
  async function killed(shell: Shell, job: string, id: string): Promise<string> {
    const { processes } = await shell.reached(job, 'serving');
    process.kill(processes.find((one) => one.id === id)?.pid ?? Number.NaN, 'SIGKILL');
    const { code, stderr } = await shell.run('wait', job);
    assert.equal(code, 7, stderr);
    await shell.assertGone(job);
    return stderr;
  }

  test('measures two pairs behind nginx and two frontends, and stops etcd and NATS last', async (t) => {
    const shell = await open(t, MANY, PAIRS);
    const small = ['type=sa-bench', 'isl=64', 'osl=8', 'concurrencies=2x4', 'num_prompts_mult=2', 'num_warmup_mult=1'];
    const { code, stdout, stderr } = await shell.run(
      ...['apply', '-f', 'recipe.yaml', '--wait', ...small.flatMap((text) => ['--set', `benchmark.${text}`])],
    );
    assert.equal(code, 0, stdout + stderr);
    const job = /^Job (\d+) /.exec(stdout)![1]!;
    assert.match(stdout, /concurrency 4, measured: 8\/8 requests/);
    const status = await shell.status(job);
    assert.deepEqual(idsOf(status), [
      ...['benchmark', 'decode-0', 'decode-1', 'etcd', 'frontend-0', 'frontend-1', 'nats', 'nginx', 'prefill-0', 'prefill-1'],
    ]);
    const nodes = new Map(status.processes.map(({ id, node }) => [id, node]));
    assert.equal(nodes.get('etcd'), nodes.get('nginx'));
    assert.notEqual(nodes.get('frontend-0'), nodes.get('frontend-1'));
    const log = await shell.file(job, 'logs', 'slurm.log');
    const ends = [...log.matchAll(/\] (\S+) on n\d+ (?:ended|was ended)/g)].map(([, id]) => id);
    assert.deepEqual(ends.slice(-2).sort(), ['etcd', 'nats'], log);
    await shell.assertGone(job);
  });

  test('serves a pair with one frontend and no nginx until a plain scancel, which signals everybody at once', async (t) => {
    const shell = await open(t, ONE, PAIR);
    const job = await shell.submit(t);
    const status = await shell.reached(job, 'serving');
    assert.deepEqual(idsOf(status), ['decode-0', 'etcd', 'frontend-0', 'nats', 'prefill-0']);
    assert.match(status.endpoint ?? '', /:8000$/);
    const { text } = await complete(status.endpoint!, 'tiny');
    assert.equal(text.match(/ w1\d{3}/g)?.length, 12, text);
    assert.match(text, /data: \[DONE\]\s*$/);
    await cluster.ask('scancel', job);
    const { code, stderr } = await shell.run('wait', job);
    assert.equal(code, 130, stderr);
    assert.match(stderr, /^cancelled by SIGTERM while serving/);
    await shell.assertGone(job);
  });

  test('finishes a stream that runs when it is cancelled', async (t) => {
    const shell = await open(t, ONE, AGGREGATED);
    const job = await shell.submit(t);
    const { endpoint } = await shell.reached(job, 'serving');
    const answer = await fetch(`${endpoint}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'tiny', prompt: 'The sea is', max_tokens: 200, stream: true }),
    });
    assert.equal(answer.status, 200);
    const [, cancelled] = await Promise.all([
      answer.text().then((text) => {
        assert.equal(text.match(/ w1\d{3}/g)?.length, 200, text);
        assert.match(text, /data: \[DONE\]\s*$/);
      }),
      shell.run('cancel', job),
    ]);
    assert.equal(cancelled.code, 0, cancelled.stderr);
    await shell.assertGone(job);
  });

  test('ends with a worker that is killed, and names it', async (t) => {
    const shell = await open(t, MANY, AGGREGATED);
    const said = await killed(shell, await shell.submit(t), 'aggregated-1');
    assert.match(said, /^aggregated-1 on n1 was ended by SIGKILL while it was needed/);
  });

  test('ends with a frontend that is killed, and names it', async (t) => {
    const shell = await open(t, MANY, AGGREGATED);
    const said = await killed(shell, await shell.submit(t), 'frontend-1');
    assert.match(said, /^frontend-1 on n1 was ended by SIGKILL while it was needed/);
  });

  test('ends with etcd when it is killed, and names it rather than those that lost it', async (t) => {
    const shell = await open(t, MANY, PAIR);
    const said = await killed(shell, await shell.submit(t), 'etcd');
    assert.match(said, /^etcd on n0 was ended by SIGKILL while it was needed/);
  });

  test('is told who has the port of etcd when another one runs on the same node', async (t) => {
    const shared = recipe(ONE, 'agg_nodes: 1, agg_workers: 1').replace('sbatch_directives: { exclusive: true }', '');
    const shell = await Shell.open(t, cluster, shared, dynamo.env);
    const here = ['--set', 'sbatch_directives.gpus-per-node=0', '--set', 'sbatch_directives.nodelist=node7'];
    const first = await shell.submit(t, ...here);
    await shell.reached(first, 'serving');
    const second = await shell.submit(t, ...here);
    const { code, stderr } = await shell.run('wait', second);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /port 2379 of etcd on n0 \(\S+\) is taken by pid \d+ \(etcd .*\) on node7/);
    assert.equal((await shell.run('cancel', first)).code, 0);
    await shell.assertGone(first);
  });
});
