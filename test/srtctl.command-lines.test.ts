// What plans start is accepted by what is started: the bundled router, sglang_router and the simulated engine read the planned words.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '../src/router/config/load-config.ts';
import { parseCommandLine } from '../src/sim/program/command-line.ts';
import { bindSymbols } from '../src/srtctl/launch/symbols.ts';
import type { Plan, PlannedProcess } from '../src/srtctl/plan/plan.ts';
import { plansOf, recipeFiles } from './support/golden-plans.ts';
import { LAUNCH_ROUTER_FLAGS } from './support/launch-router-flags.ts';

const PLANS = recipeFiles()
  .flatMap(plansOf)
  .filter(({ file }) => file.endsWith('.local.json'));

/** The arguments of every process of `role`, after the program, with addresses in the place of symbols. */
function boundArguments({ nodes, processes }: Plan, wanted: (process: PlannedProcess) => boolean): readonly (readonly string[])[] {
  const addresses = new Map(nodes.map((node, index) => [node, `127.0.0.${index + 10}`]));
  const values = { addresses, run: '/run', job: '1', nodeBinary: '/usr/bin/node', package: '/package' };
  return processes.filter(wanted).map(({ argv }) => argv.slice(2).map((word) => bindSymbols(word, values)));
}

describe('the words of planned routers', () => {
  for (const { file, plan } of PLANS) {
    const routers = plan.processes.filter(({ role }) => role === 'router');
    if (routers.length === 0) continue;

    it(`are a configuration of the bundled router: ${file}`, () => {
      const workers = plan.processes.filter(({ tier, rank }) => tier === 1 && rank === 0);
      for (const argv of boundArguments(plan, ({ role }) => role === 'router')) {
        const loaded = loadConfig({ argv, env: {}, readFile: () => '' });
        assert.ok(loaded.kind === 'config', JSON.stringify(loaded));
        const { config } = loaded;
        assert.equal(config.prefill.length + config.decode.length + config.workerUrls.length, workers.length);
        assert.equal(
          config.pdDisaggregation,
          workers.some(({ role }) => role !== 'aggregated'),
        );
        assert.deepEqual(loaded.warnings, []);
      }
    });

    it(`are flags that sglang_router has: ${file}`, () => {
      const known = new Set(LAUNCH_ROUTER_FLAGS.map(({ flag }) => flag));
      for (const { argv } of routers) for (const word of argv.filter((word) => word.startsWith('--'))) assert.ok(known.has(word), word);
    });
  }
});

describe('the words of planned simulated engines', () => {
  for (const { file, plan } of PLANS) {
    const isSim = ({ argv }: PlannedProcess): boolean => argv[1]?.endsWith('/sim.js') === true;
    if (!plan.processes.some(isSim)) continue;

    it(`are accepted by the engine, each for its own role and port: ${file}`, () => {
      const engines = plan.processes.filter(isSim);
      for (const [index, argv] of boundArguments(plan, isSim).entries()) {
        const parsed = parseCommandLine(argv);
        assert.ok(parsed.kind === 'run', JSON.stringify(parsed));
        const { options } = parsed.command;
        const { role, ports, node } = engines[index]!;
        assert.equal(options.port, ports['http']);
        assert.equal(options.host, `127.0.0.${Number(node.slice(1)) + 10}`);
        assert.equal(options.servedModelName, plan.model);
        if (role === 'aggregated') continue;
        assert.equal(options.disaggregationMode, role);
        if (role === 'prefill') assert.equal(options.disaggregationBootstrapPort, ports['bootstrap']);
      }
    });
  }

  it('are tried at all', () => {
    assert.ok(PLANS.some(({ plan }) => plan.processes.some(({ argv }) => argv[1]?.endsWith('/sim.js'))));
    assert.ok(PLANS.some(({ plan }) => plan.processes.some(({ role }) => role === 'router')));
  });
});
