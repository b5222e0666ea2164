/** `srun_options`: which of them every step takes, and which srtctl sets itself. Pure. Source: srun(1), pyxis. */
import type { PlanProblem } from '../plan/plan.ts';
import type { Directives } from './sbatch-directives.ts';

/** What srtctl sets on every step; another value would not change what runs there. */
const SET_BY_SRTCTL =
  /^(?:jobid|overlap|exclusive|exact|nodes|N|ntasks|n|ntasks-per-node|input|i|output|o|error|e|job-name|J|label|l|unbuffered|u)$/;

/** With these a step would run elsewhere, or another program. */
const REFUSED = /^(?:nodelist|w|exclude|x|relative|r|pty|multi-prog|het-group|container-(?:image|mounts|workdir|name|save))$/;

export interface JudgedStepOptions {
  readonly kept: Directives;
  readonly problems: readonly PlanProblem[];
  readonly warnings: readonly PlanProblem[];
}

export function judgeStepOptions(given: Directives): JudgedStepOptions {
  const problems: PlanProblem[] = [];
  const warnings: PlanProblem[] = [];
  const kept: [string, string | null][] = [];
  for (const [name, value] of Object.entries(given)) {
    const path = `srun_options.${name}`;
    if (name === 'export' && value !== 'ALL')
      problems.push({
        path,
        message: 'srun would cut values at commas and drop the rest of the environment',
        suggestion: 'write variables under environment',
      });
    else if (REFUSED.test(name)) problems.push({ path, message: `the plan says where and what each step runs`, suggestion: 'remove it' });
    else if (name === 'export' || SET_BY_SRTCTL.test(name))
      warnings.push({ path, message: `left out: srtctl sets --${name} itself`, suggestion: null });
    else kept.push([name, value]);
  }
  return { kept: Object.fromEntries(kept), problems, warnings };
}
