/** The command line of the comparison. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export const USAGE = `usage: npm run test:real-engine -- VENV [MODEL] [options]

VENV   virtual environment made by tools/real-engine/install.sh
MODEL  folder made by make-model.py (default: VENV/tiny-model, made if it is missing)

  --only TEXT     only cases whose name contains TEXT
  --engine URL    use an engine that runs already (and do not end it); VENV is not needed then
  --no-router     compare the simulation only
  --no-scenarios  leave out full queues, clients that leave, idle connections, SIGTERM
  --self          send everything to the engine twice and compare: shows that the comparison itself is steady
  --embedding     start the engines as embedding models and compare what those answer
  --two-engines   two engines behind one router: streams are spread, and one engine's death harms only its own
  --hang          two engines behind one router: a scheduler stops and continues, both engines pause and continue
  --restarts      two engines behind one router: one is drained, one is killed and restarted, and a request kills both
  --pair          a prefill and a decode engine behind a router: answers as of one engine, and each death in each phase
  --write         write the tables to docs/engine-compatibility.md if nothing is unexplained
`;

export interface Options {
  readonly venv: string;
  readonly model: string;
  readonly only: string;
  readonly engine: string | undefined;
  readonly router: boolean;
  readonly scenarios: boolean;
  readonly self: boolean;
  readonly embedding: boolean;
  readonly twoEngines: boolean;
  readonly hang: boolean;
  readonly restarts: boolean;
  readonly pair: boolean;
  readonly write: boolean;
}

/** Throws with a message for the user. */
export function readOptions(argv: readonly string[]): Options {
  if (argv.includes('--help') || argv.includes('-h')) throw new Error('compares a real engine with the simulated one and with the router');
  const off = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      engine: { type: 'string' },
      'no-router': off,
      'no-scenarios': off,
      self: off,
      embedding: off,
      'two-engines': off,
      hang: off,
      restarts: off,
      pair: off,
      write: off,
    },
  });
  const [venv = '', model] = positionals;
  const startsEngine = values.engine === undefined;
  if ((startsEngine && venv === '') || positionals.length > 2) throw new Error('expected VENV and at most one more argument');
  if (startsEngine && !existsSync(join(venv, 'bin/python')))
    throw new Error(`${venv}: expected a virtual environment (no bin/python in it)`);
  return {
    venv,
    model: model ?? join(venv, 'tiny-model'),
    only: values.only,
    engine: values.engine,
    router: !values['no-router'],
    scenarios: !values['no-scenarios'],
    self: values.self,
    embedding: values.embedding,
    twoEngines: values['two-engines'],
    hang: values.hang,
    restarts: values.restarts,
    pair: values.pair,
    write: values.write,
  };
}
