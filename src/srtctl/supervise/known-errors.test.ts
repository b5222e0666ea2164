import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stopwatch } from '../../../test/support/stopwatch.ts';
import type { PlanRole } from '../plan/plan.ts';
import { findKnownErrors, KNOWN_ERRORS } from './known-errors.ts';

/** What programs really say, by the name of the entry that must come first. */
const SAYINGS: readonly (readonly [name: string, role: PlanRole, line: string])[] = [
  ['no space on disk', 'prefill', 'OSError: [Errno 28] No space left on device'],
  ['port conflict', 'nginx', 'nginx: [emerg] bind() to 0.0.0.0:8000 failed (98: Address already in use)'],
  ['port conflict', 'router', 'Error: listen EADDRINUSE: address already in use 127.0.0.10:30080'],
  ['port conflict', 'decode', 'OSError: [Errno 98] error while attempting to bind on address'],
  [
    'gpu out of memory',
    'decode',
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 8.00 GiB. GPU 0 has a total capacity of 139 GiB',
  ],
  ['gpu out of memory', 'prefill', 'RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.'],
  ['host out of memory', 'prefill', 'slurmstepd: error: Detected 1 oom_kill event in StepId=12.3'],
  ['host out of memory', 'router', 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'],
  ['step before the process', 'prefill', 'srtctl: install SGLang from source failed with status 1'],
  ['command not found', 'nginx', 'srtctl: 1: exec: nginx: not found'],
  [
    'no Dynamo',
    'frontend',
    "/usr/bin/python3: Error while finding module specification for 'dynamo.frontend' (ModuleNotFoundError: No module named 'dynamo')",
  ],
  ['etcd or NATS at the start', 'decode', 'Exception: etcd startup connection timed out after 30 seconds'],
  [
    'lost etcd',
    'frontend',
    'ERROR dynamo_runtime::transports::etcd::lease: Unable to maintain lease. Check etcd server status error=Unable to reconnect to ETCD cluster: deadline exceeded',
  ],
  ['module not found', 'aggregated', "ModuleNotFoundError: No module named 'sglang'"],
  ['unknown flag', 'prefill', 'launch_server.py: error: unrecognized arguments: --tp-sise 4'],
  ['model not found', 'prefill', 'OSError: /model/ does not appear to have a file named config.json.'],
  ['model access', 'prefill', 'huggingface_hub.errors.GatedRepoError: 401 Client Error. Cannot access gated repo for url'],
  ['no gpu', 'decode', 'RuntimeError: CUDA error: invalid device ordinal'],
  ['too many open files', 'nginx', 'accept4() failed (24: Too many open files)'],
  ['bootstrap', 'decode', 'Prefill bootstrap failed for request rank=0: could not fetch prefill parallel info'],
  [
    'bootstrap',
    'prefill',
    "Prefill bootstrap failed for request rank=0 req.rid='x' req.bootstrap_room=7 with exception KVTransferError(bootstrap_room=7): Request 7 timed out after 6.0s in KVPoll.Bootstrapping",
  ],
  ['context length', 'benchmark', "400 Bad Request: The input (9000 tokens) is longer than the model's context length (4096 tokens)."],
  ['watchdog', 'decode', 'SIGQUIT received. signum=None, frame=None. It usually means one child failed.'],
  ['transfer backend', 'prefill', 'nixl_agent: error: no backend UCX: failed to create'],
  ['worker start-up timeout of the router', 'router', 'Error: Worker http://10.0.0.2:30000 did not become healthy within 300s'],
  ['cannot reach', 'benchmark', 'fetch failed: connect ECONNREFUSED 127.0.0.10:8000'],
  ['collective communication', 'prefill', 'torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3384, ncclSystemError'],
  ['watchdog', 'decode', 'Received sigquit from a child process. It usually means the child failed.'],
];

for (const [name, role, line] of SAYINGS) {
  test(`"${line.slice(0, 60)}" of a ${role} is known as ${name}`, () => {
    assert.equal(findKnownErrors(role, ['all is well', line])[0]?.name, name);
  });
}

test('every known error has been seen in a saying', () => {
  assert.deepEqual(
    KNOWN_ERRORS.map(({ name }) => name).filter((name) => !SAYINGS.some(([seen]) => seen === name)),
    [],
  );
});

test('ordinary output is not mistaken for an error', () => {
  const lines = [
    'Load weight begin. avail mem=138.5 GB',
    'Decode batch, #running-req: 1, #token: 512, token usage: 0.00, gen throughput (token/s): 120.1',
    'The server is fired up and ready to roll!',
    'INFO: 127.0.0.1:51234 - "GET /health HTTP/1.1" 200 OK',
    'max_total_num_tokens=1000000, chunked_prefill_size=8192, disaggregation_bootstrap_port=30001',
    'worker http://10.0.0.2:30000 is healthy',
    "[2026-11-21 14:16:28] Ignore import error when loading sglang.srt.models.inkling: No module named 'cutlass'",
    "[2026-11-21 14:15:21] server_args={'disaggregation_bootstrap_port': 31803, 'watchdog_timeout': 300, 'crash_on': 'error'}",
    '[2026-11-21 14:15:18] No IB devices specified for Mooncake backend, falling back to auto discovery.',
    'Decode transfer failed for request rank=0 bootstrap_room=1 with exception KVTransferError(bootstrap_room=1): Aborted by AbortReq.',
    'I1121 14:16:27.193468 18441 transfer_engine_impl.cpp:219] MC_FORCE_TCP is set, using TCP transport only',
    '[2026-11-21 14:15:22] CommonKVBootstrapServer started successfully on 127.0.0.1:31803',
  ];
  for (const role of ['prefill', 'router', 'nginx', 'benchmark'] as const) assert.deepEqual(findKnownErrors(role, lines), []);
});

test('a long hostile line is looked at quickly', () => {
  const line = `bootstrap ${'nixl bootstrap exec: '.repeat(100)}`.slice(0, 2000);
  const watch = new Stopwatch();
  for (let round = 0; round < 20; round++) findKnownErrors('prefill', [line]);
  assert.ok(watch.ms < 1000);
});
