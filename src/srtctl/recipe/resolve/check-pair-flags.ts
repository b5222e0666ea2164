/** What prefill and decode workers must agree on, or every request of a pair fails after minutes of loading. */

import { type Findings, shown } from '../text/findings.ts';
import { type EngineFlag, findEngineFlag, wholeNumber } from './engine-flags.ts';
import type { WorkerGroup } from './recipe.ts';
import { pathOf } from './worker-words.ts';

const SHARED_FLAGS: Readonly<Partial<Record<EngineFlag, string>>> = {
  bootstrapPort: 'decode workers ask the bootstrap server of a prefill worker at this port, and routers announce it',
  transferBackend: 'both ends of a transfer speak one protocol',
  pageSize: 'pages of the KV cache are transferred whole',
  cacheType: 'the KV cache is transferred as it is',
  modelPath: 'both serve one model',
};

export function checkPairFlags(workers: readonly WorkerGroup[], findings: Findings): void {
  const prefill = workers.find(({ role }) => role === 'prefill');
  const decode = workers.find(({ role }) => role === 'decode');
  checkBootstrapPorts(workers, findings);
  if (prefill === undefined || decode === undefined) return;
  for (const [flag, why] of Object.entries(SHARED_FLAGS) as [EngineFlag, string][]) {
    const here = findEngineFlag(prefill.flags, flag);
    const there = findEngineFlag(decode.flags, flag);
    if (here === null && there === null) continue;
    if (here !== null && there !== null) {
      if (normal(flag, here.value) === normal(flag, there.value)) continue;
      const path = pathOf(findings, section('decode'), there.name);
      findings.problem(path, `got ${shown(there.value)}, but prefill has ${shown(here.value)}: ${why}`, 'give both the same value');
      continue;
    }
    // The plan fills in the bootstrap port and the model path of the other side.
    if (flag === 'bootstrapPort' || flag === 'modelPath') continue;
    const [one, other, found] = here !== null ? (['prefill', 'decode', here] as const) : (['decode', 'prefill', there!] as const);
    findings.warn(
      pathOf(findings, section(one), found.name),
      `only ${one} has it, ${other} uses the engine's default: ${why}`,
      `give ${other} ${shown(found.value)}, too`,
    );
  }
}

function checkBootstrapPorts(workers: readonly WorkerGroup[], findings: Findings): void {
  for (const { role, flags } of workers) {
    for (const flag of ['bootstrapPort', 'port'] as const) {
      const found = findEngineFlag(flags, flag);
      const port = wholeNumber(found?.value);
      if (found !== null && !(port >= 1 && port <= 65_535)) {
        findings.problem(pathOf(findings, section(role), found.name), `got ${shown(found.value)}, expected a port from 1 to 65535`);
      }
    }
  }
}

function section(role: string): readonly string[] {
  return ['backend', 'sglang_config', role];
}

/** `/model/` and `/model` name one directory. */
function normal(flag: EngineFlag, value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return flag === 'modelPath' && text.length > 1 ? text.replace(/\/+$/, '') : text;
}
