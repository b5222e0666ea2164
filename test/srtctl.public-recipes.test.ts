// The smallest recipes that show each kind of construct of public srt-slurm recipes (test/fixtures/public-recipes): which are right, what
// the plan makes of them, and how the others are refused.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Plan } from '../src/srtctl/plan/plan.ts';
import { planRecipe } from '../src/srtctl/plan/plan-recipe.ts';
import { loadCluster } from '../src/srtctl/recipe/load/load-cluster.ts';
import { loadRecipe } from '../src/srtctl/recipe/load/load-recipe.ts';
import { NO_CLUSTER } from '../src/srtctl/recipe/resolve/cluster.ts';
import { formatProblem } from '../src/srtctl/recipe/text/problem.ts';
import { byId } from './support/planned.ts';
import { ROOT } from './support/program.ts';

const DIRECTORY = join(ROOT, 'test/fixtures/public-recipes');

interface Judged {
  readonly plans: readonly Plan[];
  readonly problems: readonly string[];
  /** Without those that every one of these recipes has: nothing of what they name is on this host. */
  readonly warnings: readonly string[];
}

function judged(file: string): Judged {
  const text = readFileSync(join(DIRECTORY, file), 'utf8');
  const loaded = loadRecipe(text, file, {
    recipeDirectory: DIRECTORY,
    directoryExists: (path) => existsSync(path) && statSync(path).isDirectory(),
    fileExists: (path) => existsSync(path) && statSync(path).isFile(),
  });
  const planned = loaded.recipes.map((recipe) => planRecipe(recipe, NO_CLUSTER, { local: false, directory: '/home/me' }));
  const isOfHost =
    /^model\.(?:path|container): .*right only if the nodes have it|^dynamo\.version: is not given|^\d+ (?:routers|frontends) were asked/;
  const tell = (found: Parameters<typeof formatProblem>[0]): string => formatProblem({ ...found, file: '' }).replace(/^[\d:]+ /, '');
  return {
    plans: planned.flatMap(({ plan }) => plan ?? []),
    problems: [
      ...loaded.problems.map(tell),
      ...planned.flatMap(({ problems }) => problems.map(({ path, message }) => `${path}: ${message}`)),
    ],
    warnings: [...loaded.warnings.map(tell), ...planned.flatMap(({ plan }) => plan?.warnings ?? [])].filter((text) => !isOfHost.test(text)),
  };
}

type Expected =
  | { readonly refused: RegExp }
  /** Every warning matches one of these, and each of these a warning. */
  | { readonly warns?: readonly RegExp[]; readonly holds?: (plan: Plan) => void };

function worker(plan: Plan, id = 'prefill-0'): string {
  return byId(plan, id).argv.join(' ');
}

const steps = (plan: Plan, id: string): readonly string[] => byId(plan, id).before.map(({ argv }) => argv.join(' '));
const command = (plan: Plan): string => byId(plan, 'benchmark').argv.join(' ');

const CASES: Readonly<Record<string, Expected>> = {
  '00-ok.yaml': {},
  '01-dynamo-hash.yaml': {
    holds: (plan) => {
      for (const id of ['prefill-0', 'decode-0', 'frontend-0'])
        assert.match(
          steps(plan, id).join(),
          /^bash <run>\/scripts\/build-dynamo\.sh \S+dynamo\.git 0123456789abcdef0123456789abcdef01234567/,
        );
    },
  },
  '01b-dynamo-wheel.yaml': {
    holds: (plan) => assert.match(steps(plan, 'decode-0').join(), /^pip install --pre .*ai-dynamo==1\.2\.0\.dev20260526$/),
  },
  '01c-dynamo-tot.yaml': {
    holds: (plan) => assert.match(steps(plan, 'prefill-0').join(), /^bash <run>\/scripts\/build-dynamo\.sh \S+dynamo\.git {2}/),
  },
  '02-infra-dedicated.yaml': {
    holds: (plan) => {
      assert.deepEqual(plan.nodes, ['infra', 'n0', 'n1']);
      assert.deepEqual([byId(plan, 'etcd').node, byId(plan, 'nats').node, byId(plan, 'prefill-0').node], ['infra', 'infra', 'n0']);
      assert.match(JSON.stringify(byId(plan, 'nats')), /max_payload: 33554432/);
    },
  },
  '02b-infra-false.yaml': { holds: (plan) => assert.deepEqual(plan.nodes, ['n0', 'n1']) },
  '02c-infra-payload.yaml': {
    holds: (plan) => {
      assert.deepEqual(plan.nodes, ['n0', 'n1']);
      assert.match(JSON.stringify(byId(plan, 'nats')), /max_payload: 8388608/);
    },
  },
  '03-setup-script.yaml': {
    warns: [/^setup_script: there is no file "rebuild-deepep\.sh" in .*right only if containers have it at \/configs/],
    holds: (plan) => assert.deepEqual(steps(plan, 'prefill-0'), ['bash /configs/rebuild-deepep.sh']),
  },
  '04-req-rate-quoted.yaml': { holds: (plan) => assert.match(command(plan), /--req-rate 300\b/) },
  '05-conc-repeated.yaml': {
    warns: [/^benchmark\.concurrencies: 2 appears more than once: each runs, and each result is kept/],
    holds: (plan) => assert.match(command(plan), /--concurrencies 2x2\b/),
  },
  '06-bench-gpqa.yaml': { holds: (plan) => assert.match(command(plan), /sglang\.test\.run_eval .*--eval-name gpqa .*--num-examples 198/) },
  '06-bench-gsm8k.yaml': {
    holds: (plan) => assert.match(command(plan), /sglang\.test\.run_eval .*--eval-name gsm8k .*--num-examples 1319 .*--num-shots 5/),
  },
  '06-bench-lm-eval.yaml': { holds: (plan) => assert.match(command(plan), /-m lm_eval --model local-chat-completions .*--tasks gsm8k/) },
  '06-bench-longbenchv2.yaml': {
    holds: (plan) => assert.match(command(plan), /--eval-name longbench_v2 .*--num-examples 100 .*--max-context-length 128000/),
  },
  '06-bench-mmlu.yaml': { holds: (plan) => assert.match(command(plan), /--eval-name mmlu .*--num-examples 200/) },
  '06-bench-mooncake-router.yaml': {
    holds: (plan) => assert.match(command(plan), /bench .*--trace \S*conversation\S* .*--good-ttft-ms 2000 --good-itl-ms 25/),
  },
  '06-bench-router.yaml': { holds: (plan) => assert.match(command(plan), /bench .*--prefix-ratios 0\.1,0\.5 .*--requests 200/) },
  '06-bench-sglang-bench.yaml': { holds: (plan) => assert.match(command(plan), /-m sglang\.bench_serving .*--random-input-len 1024/) },
  '06-bench-trace-replay.yaml': { holds: (plan) => assert.match(command(plan), /bench .*--trace \/traces\/a\.jsonl .*--concurrencies 4/) },
  '07-profiling-torch.yaml': {
    holds: (plan) => {
      assert.match(command(plan), /--record torch,http:\/\/<node0>:30000,0,50,<run>\/profiles\/prefill/);
      assert.equal(byId(plan, 'decode-0').env['SGLANG_TORCH_PROFILER_DIR'], '<run>/profiles/decode');
    },
  },
  '07b-profiling-none.yaml': { holds: (plan) => assert.doesNotMatch(command(plan), /--record/) },
  '08-kv-events.yaml': {
    holds: (plan) => {
      assert.match(worker(plan), /--kv-events-config \{"publisher":"zmq","topic":"kv-events","endpoint":"tcp:\/\/\*:\d+"\}/);
      assert.doesNotMatch(worker(plan, 'decode-0'), /kv-events/);
    },
  },
  '08b-kv-events-false.yaml': { holds: (plan) => assert.doesNotMatch(worker(plan), /kv-events/) },
  '09-name-slash.yaml': { warns: [/^name: .*has a slash/], holds: (plan) => assert.equal(plan.name, 'gb200-4p_tp4-1d_dep16') },
  '10-policy-consistent-hashing.yaml': {
    holds: (plan) => assert.match(worker(plan, 'router-0'), /dist\/bin\/router\.js .*--policy consistent_hashing/),
  },
  '11-sweep-partly-infeasible.yaml': {
    warns: [/^sweep: 1 of 4 points are skipped \(tp 8, pp 2\)/, /aggregated worker has 8 GPUs .* but uses 4/],
    holds: (plan) => assert.notEqual(plan.name, 'sw_tp8_pp2'),
  },
  '12-configs-mount.yaml': {
    warns: [/names files below \/configs, and there is no directory configs/, /^backend.*deepep-config: there is no file/],
    holds: (plan) =>
      assert.ok(byId(plan, 'prefill-0').mounts.some(({ host, container }) => host === '/home/me/configs' && container === '/configs')),
  },
  '13-quoted-bool.yaml': { holds: (plan) => assert.ok(byId(plan, 'router-0')) },
  '14-jan-spelling.yaml': { holds: (plan) => assert.match(worker(plan, 'router-0'), /--policy round_robin/) },
  '14b-jan-dynamo.yaml': { holds: (plan) => assert.match(worker(plan, 'frontend-0'), /--router-mode kv/) },
  '15-dup-key.yaml': { refused: /tp-size: the key is here twice, first in line \d+/ },
  '16-dynamo-noversion.yaml': {
    holds: (plan) => {
      assert.deepEqual(steps(plan, 'prefill-0'), ['pip install ai-dynamo-runtime==0.8.0 ai-dynamo==0.8.0']);
      assert.deepEqual(byId(plan, 'prefill-0').before[0]?.env, { PIP_BREAK_SYSTEM_PACKAGES: '1' });
    },
  },
  '17-schema2.yaml': {
    holds: (plan) => {
      assert.equal(byId(plan, 'prefill-0').env['PYTHONUNBUFFERED'], '1');
      assert.ok(byId(plan, 'router-0'));
    },
  },
  '18-pagesize-mismatch.yaml': { refused: /decode\.page-size: got 1, but prefill has 64/ },
  '18b-transfer-mismatch.yaml': { refused: /decode\.disaggregation-transfer-backend: got "mooncake", but prefill has "nixl"/ },
  '18c-kvdtype-mismatch.yaml': { refused: /decode\.kv-cache-dtype: got "auto", but prefill has "fp8_e4m3"/ },
  '19-gpus-6-of-4.yaml': { refused: /resources\.decode_workers: a decode worker has 6 GPUs, which is no multiple of the 4 of a node/ },
  '20-srun-cpu-bind.yaml': {},
  '21-src-dir-empty.yaml': { holds: (plan) => assert.deepEqual(steps(plan, 'prefill-0'), []) },
  '22-infmax.yaml': { warns: [/^benchmark\.command: names \/infmax-workspace, and nothing is mounted there/] },
  '23-grpc.yaml': {
    warns: [/sglang_router/],
    holds: (plan) => assert.match(worker(plan, 'router-0'), /sglang_router\.launch_router .*grpc:\/\/<node0>:30000/),
  },
  '24-sbatch-segment.yaml': {},
  '24b-sbatch-segment.yaml': {},
  '25-multi-node-prefill.yaml': { holds: (plan) => assert.match(worker(plan, 'prefill-0.1'), /--nnodes 2 --node-rank 1/) },
  '26-mounts-tmpl.yaml': {
    holds: (plan) => assert.ok(byId(plan, 'prefill-0').mounts.some(({ host, container }) => host === '/data/<job>' && container === '/y')),
  },
  '27-empty-strings.yaml': {},
  '28-sgl-router.yaml': { refused: /frontend\.type: got sgl-router.*sglang is router mode/ },
  '29-het.yaml': { refused: /resources\.het_jobs: got true: srtctl submits no heterogeneous jobs/ },
  '30-bench-placement.yaml': {
    holds: (plan) => assert.deepEqual([plan.nodes, byId(plan, 'benchmark').node], [['n0', 'n1', 'client'], 'client']),
  },
  '31-stage-dir.yaml': { warns: [/^model\.stage_dir: has no effect here/] },
  '32-observability.yaml': { warns: [/^observability/, /^telemetry/, /^reporting/, /^output/] },
  '33-sa-custom-dataset.yaml': { holds: (plan) => assert.match(command(plan), /--dataset \/data\/x\.jsonl/) },
  '34-mooncake-store.yaml': {
    holds: (plan) => {
      assert.equal(byId(plan, 'mooncake').node, 'n0');
      const { env } = byId(plan, 'decode-0');
      assert.deepEqual([env['MOONCAKE_PROTOCOL'], env['MOONCAKE_MASTER']], ['rdma', '<node0>:8700']);
    },
  },
  '35-mocker.yaml': { refused: /backend\.type: this recipe is for the mocker of Dynamo: srtctl starts only SGLang engines/ },
  '36-base-alone.yaml': { refused: /slurm: unknown key beside base/ },
  '37-port-in-config.yaml': {
    warns: [/prefill\.host: left out, got "0\.0\.0\.0"/],
    holds: (plan) => assert.match(worker(plan), /--port 31000/),
  },
  '38-bootstrap-mismatch.yaml': { refused: /decode\.disaggregation-bootstrap-port: got 30002, but prefill has 30001/ },
  '39-infra-env-ref.yaml': { warns: [/^container_mounts.*mounts nothing at \/infmax-workspace/] },
  '40-dynamo-two-dep-per-node.yaml': {
    holds: (plan) => {
      const ports = ['prefill-0', 'prefill-1'].map((id) => byId(plan, id).ports['engine']);
      assert.equal(new Set(ports).size, 2);
    },
  },
  '41-hf.yaml': {
    warns: [/^model\.path: every container downloads hf:Qwen\/Qwen3-0\.6B for itself; set HF_HOME/],
    holds: (plan) => assert.equal(plan.model, 'Qwen3-0.6B'),
  },
  '42-big-body-affinity.yaml': {},
  '43-short-health.yaml': {},
  '44-remap-root.yaml': {},
  '45-services.yaml': {
    holds: (plan) => {
      const caches = ['service-cache-aggregated-0', 'service-cache-aggregated-1'].map((id) => byId(plan, id));
      assert.deepEqual(
        caches.map(({ env }) => env['CUDA_VISIBLE_DEVICES']),
        ['0,1', '2,3'],
      );
      assert.deepEqual(byId(plan, 'service-watch').argv, ['watch', '<node0>', '0/1']);
    },
  },
};

describe('public recipes', () => {
  for (const [file, expected] of Object.entries(CASES))
    it(`${file} is ${'refused' in expected ? 'refused' : 'taken'}`, () => {
      const { plans, problems, warnings } = judged(file);
      if ('refused' in expected) {
        assert.match(problems.join('\n'), expected.refused);
        assert.equal(problems.length, 1, problems.join('\n'));
        return;
      }
      assert.deepEqual(problems, []);
      assert.ok(plans.length > 0);
      const { warns = [] } = expected;
      for (const warning of warnings)
        assert.ok(
          warns.some((regex) => regex.test(warning)),
          `not expected: ${warning}`,
        );
      for (const regex of warns)
        assert.ok(
          warnings.some((warning) => regex.test(warning)),
          `missing: ${regex}`,
        );
      for (const plan of plans) expected.holds?.(plan);
    });

  it('are all judged', () => {
    const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.yaml') && !file.startsWith('srtslurm'));
    assert.deepEqual(files.sort(), Object.keys(CASES).sort());
  });
});

describe('public cluster files', () => {
  const load = (file: string): ReturnType<typeof loadCluster> => loadCluster(readFileSync(join(DIRECTORY, file), 'utf8'), file, {});

  it('of AMD nodes ask SLURM for --gres and name GPUs by ROCR_VISIBLE_DEVICES', () => {
    const { cluster, problems } = load('srtslurm.amd.yaml');
    assert.deepEqual([problems, cluster.gpuDirective, cluster.visibleDevicesVariable], [[], 'gres', 'ROCR_VISIBLE_DEVICES']);
  });

  it('may leave the interface empty', () => {
    const { cluster, problems } = load('srtslurm.empty-interface.yaml');
    assert.deepEqual([problems, cluster.networkInterface], [[], null]);
  });

  it('with unknown keys are refused, and what to do is said', () => {
    assert.match(load('srtslurm.default-container.yaml').problems.map(formatProblem).join(), /default_container: .*model\.container/);
  });
});
