import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRight, readResults, table } from './results.ts';

const OUTPUT = `
..F.s
=========================== short test summary info ============================
PASSED py_test/integration_mock/test_retries.py::test_retry_reroutes_to_healthy_worker
PASSED test_worker_api.py::TestWorkerAPI::test_list_workers[http]
SKIPPED [3] test_worker_api.py:139: workers that speak gRPC are not available in this version yet
FAILED py_test/integration_mock/test_epd_router.py::test_epd - TimeoutError: Router did not become healthy
`;

test('each test has a verdict, and a failure with a reason is right', () => {
  const results = readResults(OUTPUT);
  assert.deepEqual(
    results.map(({ verdict }) => verdict),
    ['pass', 'pass', 'skipped', 'expected'],
  );
  assert.match(results[3]?.why ?? '', /encode workers/);
  assert.ok(isRight(results));
  assert.match(table(results), /2 pass, 0 FAIL, 1 expected failure, 0 UNEXPECTED PASS, 1 skipped$/);
});

test('an unknown failure, a pass that is not expected, and no pass at all are wrong', () => {
  const failed = readResults(`${OUTPUT}FAILED py_test/integration_mock/test_retries.py::test_other - assert 503 == 200\n`);
  assert.deepEqual(failed.at(-1), {
    test: 'py_test/integration_mock/test_retries.py::test_other',
    verdict: 'fail',
    why: 'assert 503 == 200',
  });
  assert.equal(isRight(failed), false);
  assert.equal(isRight(readResults(`${OUTPUT}PASSED py_test/integration_mock/test_epd_router.py::test_epd\n`)), false);
  assert.equal(isRight(readResults(OUTPUT.replaceAll('PASSED', 'passed'))), false);
  assert.equal(isRight(readResults(`${OUTPUT}ERROR py_test/integration_mock/test_x.py - ModuleNotFoundError\n`)), false);
});
