import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUILT, KNOWN } from './catalogue.ts';
import { helpText } from './help.ts';

test('help begins with the options of the first version, with defaults and possible values', () => {
  const expected = `Usage: router [OPTIONS]

Options:
      --host <HOST>                 Address or host name to listen on; 0.0.0.0 or :: for all interfaces
                                    [default: 127.0.0.1]
      --port <PORT>                 Port to listen on; 0 for any free one [default: 3001]
      --worker-urls <WORKER_URLS>...
                                    URLs of workers, separated by commas, spaces or repetition of the flag; more can
                                    join later
      --policy <POLICY>             How a worker is chosen for a request [default: round_robin] [possible values:
                                    round_robin, random, power_of_two, cache_aware, least_wait, bucket, least_load,
                                    manual, consistent_hashing, prefix_hash, passthrough]
  -h, --help                        Print help
  -V, --version                     Print version

Routing:
`;
  assert.equal(helpText('seed').slice(0, expected.length), expected);
});

test('help shows the defaults of the dialect', () => {
  assert.match(helpText('launch_router'), /--port <PORT> .*\[default: 30000\]/);
});

test('every setting that works has its line, and every flag of sglang_router 0.3.2 that may be refused is named', () => {
  const text = helpText('seed');
  for (const { flag } of BUILT) assert.match(text, new RegExp(`^ {6}${flag}(?: <|$| )`, 'm'), flag);
  const [, names = ''] = text.split('not available in this version yet:');
  assert.match(names, / --service-discovery\s/);
  assert.doesNotMatch(names, / --dp-aware\s/);
  assert.doesNotMatch(names, /--disable-retries/);
  for (const flag of names.trim().split(/\s+/))
    assert.ok(
      KNOWN.some((entry) => entry.flag === flag),
      flag,
    );
});

test('help fits 120 columns and holds no unbreakable space', () => {
  for (const line of helpText('seed').split('\n')) assert.ok(line.length <= 120, line);
  assert.doesNotMatch(helpText('seed'), /\u00a0| $/m);
});
