/**
 * The suites of sglang_router and smg that need no GPU, and how a copy of each becomes one that runs against the installed wheel. Only the
 * tests are copied: beside them lies the package sglang_router of the checkout, which Python would import first.
 */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../test/support/program.ts';

export interface Suite {
  readonly name: string;
  /** Where pytest runs, and what it is given there. */
  readonly cwd: string;
  readonly tests: string;
}

const MOCKED = ['py_test/integration_mock', 'py_test/integration'];
const WORKER_API = 'e2e_test/router/test_worker_api.py';
/** Of the infrastructure of the worker API tests; the rest of it wants GPUs and models. */
const INFRA = ['constants.py', 'gateway.py', 'gpu_allocator.py', 'process_utils.py'];
const INFRA_INIT = 'from .constants import *\nfrom .gateway import Gateway\nModelPool = object\n';

/** Copies the suites of a checkout to folders below `work`. */
export function prepareSuites(checkout: string, work: string): readonly Suite[] {
  const suites: Suite[] = [];
  for (const part of MOCKED) {
    if (!existsSync(join(checkout, part))) continue;
    const cwd = join(work, `mock-${suites.length}`);
    cpSync(join(checkout, part), join(cwd, part), { recursive: true });
    cpSync(join(checkout, 'py_test/fixtures'), join(cwd, 'py_test/fixtures'), { recursive: true });
    writeFileSync(join(cwd, 'py_test/__init__.py'), '');
    suites.push({ name: part, cwd, tests: part });
  }
  if (existsSync(join(checkout, WORKER_API))) {
    const cwd = join(work, 'worker-api');
    mkdirSync(join(cwd, 'infra'), { recursive: true });
    for (const file of INFRA) cpSync(join(checkout, 'e2e_test/infra', file), join(cwd, 'infra', file));
    writeFileSync(join(cwd, 'infra/__init__.py'), INFRA_INIT);
    cpSync(join(checkout, WORKER_API), join(cwd, 'test_worker_api.py'));
    cpSync(join(ROOT, 'tools/lineage/worker_api_conftest.py'), join(cwd, 'conftest.py'));
    suites.push({ name: WORKER_API, cwd, tests: 'test_worker_api.py' });
  }
  return suites;
}
