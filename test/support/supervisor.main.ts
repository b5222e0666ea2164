/** A supervisor as a program, to be killed by tests. Arguments: run directory, identifier, plan as JSON. */
import { realClock } from '../../src/base/runtime/clock.ts';
import { localLauncher } from '../../src/srtctl/local/local-launcher.ts';
import type { Plan } from '../../src/srtctl/plan/plan.ts';
import { createRedactor } from '../../src/srtctl/recipe/secrets/redactor.ts';
import { runPlan } from '../../src/srtctl/supervise/run-plan.ts';

const [directory = '', id = '', plan = ''] = process.argv.slice(2);
const redactor = createRedactor([]);
const launcher = localLauncher({
  clock: realClock,
  environment: process.env,
  nodeBinary: process.execPath,
  packageDirectory: process.cwd(),
  redact: redactor.text,
});
await runPlan(JSON.parse(plan) as Plan, launcher, directory, {
  clock: realClock,
  redactor,
  id,
  host: 'here',
  onNotice: (notice) => process.stdout.write(`${JSON.stringify(notice)}\n`),
});
