// The command line is cut into flags and values as Python's argparse cuts it for sglang_router 0.3.2: held against argparse itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseArgv } from '../src/router/config/parse-argv.ts';
import { LAUNCH_ROUTER_FLAGS } from './support/launch-router-flags.ts';

/** Declares the flags with `append`, so that every occurrence shows, and answers one line of JSON per command line: words by flag, or null. */
const PYTHON = `
import argparse, json, sys
class Refused(Exception): pass
class Parser(argparse.ArgumentParser):
    def error(self, message): raise Refused(message)
flags, lines = json.load(sys.stdin)
parser = Parser(add_help=False)
for flag in flags:
    name, words = flag["flag"], flag["words"]
    if words == "0": parser.add_argument(name, dest=name, action="append_const", const=[])
    elif words == "1": parser.add_argument(name, dest=name, action="append")
    else: parser.add_argument(name, dest=name, action="append", nargs=1 if words == "each" else words)
for line in lines:
    try:
        given = {k: v for k, v in vars(parser.parse_args(line)).items() if v is not None}
        print(json.dumps({k: [[w] if isinstance(w, str) else w for w in v] for k, v in given.items()}))
    except Refused: print("null")
`;

const python = spawnSync('python3', ['-c', 'import argparse'], { stdio: 'ignore' }).status === 0;

function argparse(lines: readonly (readonly string[])[]): (Record<string, string[][]> | null)[] {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', PYTHON], {
    input: JSON.stringify([LAUNCH_ROUTER_FLAGS, lines]),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(status, 0, stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string[][]> | null);
}

function ours(line: readonly string[]): Record<string, (readonly string[])[]> | null {
  const { given, problems } = parseArgv(line);
  return problems.length > 0 ? null : Object.fromEntries([...given.values()].map(({ entry, words }) => [entry.flag, words]));
}

test('every beginning of every flag means what it means to argparse', { skip: !python && 'python3 is not there' }, () => {
  const lines: string[][] = [];
  for (const { flag, words } of LAUNCH_ROUTER_FLAGS) {
    for (let end = 3; end <= flag.length; end++) {
      const name = flag.slice(0, end);
      // These begin flags that exist here only: --help, and so on where argparse knows nothing by that beginning.
      if (!LAUNCH_ROUTER_FLAGS.some((other) => other.flag.startsWith(name))) continue;
      lines.push(words === '0' ? [name] : [name, 'word'], [name, 'word', 'word'], [name]);
      // A switch with a word attached is refused there and may be true or false here.
      if (words !== '0' && !LAUNCH_ROUTER_FLAGS.some((other) => other.flag === name && other.words === '0')) lines.push([`${name}=-word`]);
    }
  }
  const expected = argparse(lines);
  assert.equal(expected.length, lines.length);
  for (const [at, line] of lines.entries()) {
    // --h and --he are --help to parsers that have it.
    if ('--help'.startsWith(line[0]!.split('=')[0]!)) continue;
    assert.deepEqual(ours(line), expected[at], JSON.stringify(line));
  }
});

test('random command lines are cut as argparse cuts them', { skip: !python && 'python3 is not there' }, () => {
  const flag = fc.constantFrom(...LAUNCH_ROUTER_FLAGS);
  const value = fc.constantFrom('a', 'http://a:1', '-1', '-.5', '-1.5', '', '-', 'k=v', '-a b', '--port x', 'none', '1');
  const word = fc.oneof(
    { weight: 4, arbitrary: flag.map(({ flag: name }) => name) },
    { weight: 2, arbitrary: fc.tuple(flag, fc.nat(20)).map(([{ flag: name }, cut]) => name.slice(0, Math.max(6, name.length - cut))) },
    { weight: 2, arbitrary: fc.tuple(flag, value).map(([{ flag: name, words }, text]) => (words === '0' ? name : `${name}=${text}`)) },
    { weight: 8, arbitrary: value },
    { weight: 1, arbitrary: fc.constantFrom('-x', '--no-such-flag', '--no-such=1', '-1x', '--1') },
  );
  const lines = fc.sample(fc.array(word, { maxLength: 6 }), { numRuns: 5000, seed: 20241121 });
  const expected = argparse(lines);
  let taken = 0;
  for (const [at, line] of lines.entries()) {
    if (expected[at] !== null) taken++;
    assert.deepEqual(ours(line), expected[at], JSON.stringify(line));
  }
  assert.ok(taken > 500, `only ${taken} command lines were valid`);
});
