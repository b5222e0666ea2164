import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { dynamoFiles, dynamoInstallSteps } from './dynamo-source.ts';

const run = promisify(execFile);

/** Of pip: builds a wheel that holds what its Cargo.toml says, and notes down what is installed. */
const PYTHON = `#!/bin/bash
if [ "$1" = -c ]; then echo py3.12; exit; fi
shift 2
echo "$*" >> "$SAID"
if [ "$1" = wheel ]; then sleep 0.2; cp "\${@: -1}/Cargo.toml" "$4/$(basename "$(cd "\${@: -1}" && pwd)").whl"; fi
`;

test('a commit of Dynamo is built once for all, with its patches, and everybody installs what was built', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'dynamo-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const at = (name: string): string => join(directory, name);
  for (const name of ['bin', 'repository/lib/bindings/python', 'configs']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('bin/python3'), PYTHON, { mode: 0o755 });
  writeFileSync(at('bin/cargo'), '#!/bin/sh\n', { mode: 0o755 });
  for (const name of ['repository', 'repository/lib/bindings/python']) writeFileSync(at(`${name}/Cargo.toml`), 'nixl = "1"\nother = "1"\n');
  const git = (...words: readonly string[]): string =>
    execFileSync('git', ['-C', at('repository'), '-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { encoding: 'utf8' }).trim();
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'first');
  const revision = git('rev-parse', 'HEAD');
  writeFileSync(at('repository/Cargo.toml'), 'later\n');
  git('commit', '--quiet', '-a', '-m', 'second');

  const source = { kind: 'git', repository: at('repository'), revision, patches: ['nixl = { git = "https://a.example/b&c" }'] } as const;
  const [file] = dynamoFiles(source);
  writeFileSync(at('build.sh'), file?.content ?? assert.fail('no script'));
  const [step] = dynamoInstallSteps(source, true);
  const [, , ...words] = step?.argv ?? assert.fail('no step');
  const argv = words.map((word) => word.replace(/^\/configs\b/, at('configs')));
  const env = { ...process.env, PATH: `${at('bin')}:${process.env['PATH']}`, SAID: at('said') };
  await Promise.all([0, 1].map(() => run('bash', [at('build.sh'), ...argv], { env })));

  const [kept = ''] = readdirSync(at('configs/dynamo-wheels')).filter((name) => !name.endsWith('.lock'));
  const wheels = at(`configs/dynamo-wheels/${kept}`);
  assert.deepEqual(readdirSync(wheels).sort(), ['complete', 'dynamo.whl', 'python.whl']);
  assert.equal(readFileSync(join(wheels, 'dynamo.whl'), 'utf8'), 'nixl = { git = "https://a.example/b&c" }\nother = "1"\n');
  const said = readFileSync(at('said'), 'utf8').trim().split('\n');
  const count = (pattern: RegExp): number => said.filter((line) => pattern.test(line)).length;
  assert.deepEqual([count(/^wheel/), count(/^install --force-reinstall --no-deps/), count(/^install \S+whl \S+whl$/)], [2, 2, 2]);
});
