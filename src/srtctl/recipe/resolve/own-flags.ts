/** Flags of the engines that the plan decides, and those that contradict their section. */
import { type Findings, shown } from '../text/findings.ts';
import { doubleFlags, expectedMode, findEngineFlag, misspelledFlag, ownedFlag } from './engine-flags.ts';
import type { Flags, WorkerRole } from './recipe.ts';
import { pathOf } from './worker-words.ts';

/** Takes out what the plan decides, and compares what must agree with the role. */
export function ownFlags(role: WorkerRole, flags: Flags, findings: Findings): Flags {
  const path = ['backend', 'sglang_config', role];
  const kept = Object.entries(flags).filter(([flag, value]) => {
    const owner = ownedFlag(flag);
    if (owner !== null) findings.warn(pathOf(findings, path, flag), `left out, got ${shown(value)}: the plan gives ${owner}`);
    const meant = misspelledFlag(flag);
    if (meant !== null)
      findings.warn(pathOf(findings, path, flag), 'is no flag that is known here, but nearly one', `did you mean ${meant}?`);
    return owner === null;
  });
  for (const [first, second] of doubleFlags(flags)) {
    findings.warn(
      pathOf(findings, path, second),
      `the same as ${first}, which is here, too`,
      'the engine takes the last one: remove the other',
    );
  }
  const mode = findEngineFlag(flags, 'mode');
  const expected = expectedMode(role);
  if (mode !== null && mode.value !== expected && !(expected === null && mode.value === 'null')) {
    const suggestion = expected === null ? 'remove it' : `write ${expected}, or remove it`;
    findings.problem(pathOf(findings, path, mode.name), `got ${shown(mode.value)} in the section of the ${role} workers`, suggestion);
  }
  return Object.fromEntries(kept);
}
