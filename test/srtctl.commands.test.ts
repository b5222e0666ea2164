/** Commands of srtctl that start nothing. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Plan } from '../src/srtctl/plan/plan.ts';
import { Program, ROOT } from './support/program.ts';
import { srtctl } from './support/srtctl-command.ts';

function place(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'srtctl-commands-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const QUICKSTART = ['-f', 'recipes/quickstart.yaml'];

test('help of every command shows examples', async () => {
  const { code, stdout } = await srtctl(['--help']);
  assert.equal(code, 0);
  const [, listed = ''] = /^Commands:\n([\s\S]*?)\n\n/m.exec(stdout) ?? [];
  const commands = [...listed.matchAll(/^ {2}([a-z-]+) /gm)].map((match) => match[1]!).filter((name) => name !== 'help');
  for (const expected of ['apply', 'plan', 'dry-run', 'validate', 'status', 'list', 'logs', 'wait', 'cancel', 'bench'])
    assert.ok(commands.includes(expected), `${expected} in ${commands}`);
  for (const command of commands) {
    const help = await srtctl([command, '--help']);
    assert.equal(help.code, 0, command);
    assert.match(help.stdout, new RegExp(`Examples:\n(.*\n)* +srtctl ${command}`), command);
  }
});

test('the program prints what a command prints, and exits with its code', async (t) => {
  const help = Program.start(t, 'srtctl', ['--help']);
  const wrong = Program.start(t, 'srtctl', ['plan', '-f', '-']);
  assert.equal((await help.exit()).code, 0);
  assert.equal(help.stdout, (await srtctl(['--help'])).stdout);
  assert.equal((await wrong.exit()).code, 2);
  assert.equal(wrong.stderr, (await srtctl(['plan', '-f', '-'])).stderr);
});

test('a command that does not exist and an option that does not exist end with 2', async () => {
  const unknown = await srtctl(['aply']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /unknown command 'aply'\s+\(Did you mean apply\?\)/);
  assert.equal((await srtctl(['plan', '--fiel', 'x'])).code, 2);
  assert.equal((await srtctl(['plan'])).code, 2);
});

test('plan shows nodes, processes, ports and what was asked', async () => {
  const { code, stdout } = await srtctl(['plan', ...QUICKSTART, '--local']);
  assert.equal(code, 0);
  assert.match(stdout, /^quickstart: 2 nodes, 6 processes/);
  assert.match(stdout, /^n0 +nginx +nginx +http 8000/m);
  assert.match(stdout, /^routers +2 +2$/m);
});

test('plan --json is the plan, and dry-run says the same', async () => {
  const plan = await srtctl(['plan', ...QUICKSTART, '--json']);
  const { processes, endpoint } = JSON.parse(plan.stdout) as Plan;
  assert.equal(endpoint, 'http://<node0>:8000');
  assert.deepEqual(processes.map(({ id }) => id).sort(), ['benchmark', 'decode-0', 'nginx', 'prefill-0', 'router-0', 'router-1']);
  assert.equal((await srtctl(['dry-run', ...QUICKSTART, '--json'])).stdout, plan.stdout);
});

test('--set and --unset change the recipe, and a recipe may come from standard input', async () => {
  const changed = await srtctl(['plan', ...QUICKSTART, '--json', '--set', 'backend.num_additional_frontends=0', '--unset', 'benchmark']);
  const { processes, benchmark } = JSON.parse(changed.stdout) as Plan;
  assert.deepEqual(processes.map(({ id }) => id).sort(), ['decode-0', 'nginx', 'prefill-0', 'router-0']);
  assert.equal(benchmark, null);
  const yaml =
    'name: piped\nmodel: {path: tiny}\nresources: {agg_nodes: 1, agg_workers: 1}\nbackend: {type: sim, use_sglang_router: true}\n';
  const piped = await srtctl(['plan', '-f', '-'], { input: yaml });
  assert.equal(piped.code, 0, piped.stderr);
  assert.match(piped.stdout, /^piped: 1 node/);
});

test('every problem of every file is told with file, line and column', async (t) => {
  const directory = place(t);
  mkdirSync(path.join(directory, 'r'));
  writeFileSync(
    path.join(directory, 'r/a.yaml'),
    'name: a\nmodel: {path: tiny}\nresources: {agg_nodes: 1, agg_workers: 1, gpus: 3}\nbackned: {}\n',
  );
  writeFileSync(path.join(directory, 'r/b.yaml'), 'name: [\n');
  writeFileSync(path.join(directory, 'srtslurm.yaml'), 'default_acount: x\n');
  const { code, stderr } = await srtctl(['validate', '-f', 'r'], { cwd: directory });
  assert.equal(code, 2);
  assert.match(stderr, /error: \S*srtslurm\.yaml:1:1: .*default_account/);
  assert.match(stderr, /error: r\/a\.yaml:3:\d+: .*gpus/);
  assert.match(stderr, /error: r\/a\.yaml:4:1: .*backend/);
  assert.match(stderr, /error: r\/b\.yaml:\d+:\d+: /);
  assert.match(stderr, /\d+ problems/);
  const json = await srtctl(['validate', '-f', 'r', '--json'], { cwd: directory });
  assert.equal(json.code, 2);
  const { ok, files } = JSON.parse(json.stdout) as { ok: boolean; files: { file: string; problems: { line: number }[] }[] };
  assert.equal(ok, false);
  assert.ok(files.find(({ file }) => file === 'r/a.yaml')!.problems.some(({ line }) => line === 4));
});

test('a file that is not there and a directory without recipes are told', async (t) => {
  const missing = await srtctl(['plan', '-f', 'nowhere.yaml']);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /error: nowhere\.yaml: there is no such file \(it was looked for in /);
  const directory = place(t);
  const empty = await srtctl(['validate', '-f', directory]);
  assert.equal(empty.code, 2);
  assert.equal(empty.stderr, `error: there is no recipe in ${directory}\n`);
  assert.match(
    (await srtctl(['plan', '-f', 'recipes/srtslurm.example.yaml'])).stderr,
    /error: there is no recipe in recipes\/srtslurm\.example\.yaml\n/,
  );
});

test('what cannot be read is told as that, and no bug', async (t) => {
  const cwd = place(t);
  symlinkSync('loop.yaml', path.join(cwd, 'loop.yaml'));
  const loop = await srtctl(['plan', '-f', 'loop.yaml'], { cwd });
  assert.equal(loop.code, 2, loop.stderr);
  assert.match(loop.stderr, /^error: loop\.yaml: cannot be read \(ELOOP\)/);
  for (const command of ['status', 'list']) {
    const runs = await srtctl([command, '-o', 'loop.yaml'], { cwd });
    assert.equal(runs.code, 2, runs.stderr);
    assert.match(runs.stderr, /^error: \S+loop\.yaml cannot be read \(ELOOP\); -o DIR looks elsewhere\n$/);
  }
  const source = await srtctl(['validate', ...QUICKSTART, '--set', `backend.sglang_src_dir=${cwd}/loop.yaml/src`]);
  assert.equal(source.code, 2, source.stderr);
  assert.match(source.stderr, /there is no directory/);
});

test('a directory of recipes may hold directories of any name', async (t) => {
  const cwd = place(t);
  mkdirSync(path.join(cwd, 'old.yaml'));
  writeFileSync(path.join(cwd, 'old.yaml', 'a.yaml'), readFileSync(`${ROOT}recipes/quickstart.yaml`));
  const { code, stdout, stderr } = await srtctl(['validate', '-f', '.'], { cwd });
  assert.equal(code, 0, stderr);
  assert.equal(stdout.split('\n')[0], 'ok  old.yaml/a.yaml: quickstart');
});

test('-o without a directory, such as a variable that is not set, is refused', async () => {
  for (const command of [['apply', ...QUICKSTART, '--local'], ['status']]) {
    const { code, stderr } = await srtctl([...command, '-o', '']);
    assert.equal(code, 2);
    assert.match(stderr, /option '-o, --output <dir>' argument '' is invalid\. expected a directory/);
  }
});

test('validate tells the warnings of what it finds right', async () => {
  const { code, stdout, stderr } = await srtctl(['validate', '-f', 'recipes/seed.yaml']);
  assert.equal(code, 0);
  assert.match(stdout, /^ok {2}recipes\/seed\.yaml: deepseek-r1-sglang-router \(1 warning\)$/m);
  assert.match(stderr, /^warning: recipes\/seed\.yaml:4:9: model\.path: "deepseek-r1-fp4" is no path and no alias/m);
});

test('flags of routers are judged before anything starts, and secrets among them are not shown', async () => {
  const wrong = ['--set', 'frontend.args={polcy: random, policy: !secret hunter2-secret}'];
  const { code, stderr } = await srtctl(['validate', ...QUICKSTART, ...wrong]);
  assert.equal(code, 2);
  assert.match(stderr, /--polcy: the bundled router expects a known flag \(did you mean --policy\?\)/);
  assert.match(stderr, /--policy "\*\*\*": the bundled router expects one of round_robin, /);
});

test('secrets of a recipe are not shown by plan', async () => {
  const secret = 'hunter2-very-secret';
  for (const json of [[], ['--json']]) {
    const { code, stdout, stderr } = await srtctl(['plan', ...QUICKSTART, ...json, '--set', `environment.HF_TOKEN=${secret}`]);
    assert.equal(code, 0, stderr);
    assert.ok(!stdout.includes(secret));
    if (json.length > 0) assert.ok(stdout.includes('"HF_TOKEN": "***"'));
  }
});

test('apply without --local says what is missing where there is no SLURM, and what to do', async (t) => {
  const cwd = place(t);
  const { code, stderr } = await srtctl(['apply', '-f', `${ROOT}recipes/quickstart.yaml`], { cwd, path: cwd });
  assert.equal(code, 3);
  assert.match(stderr, /sbatch is not on PATH.*SLURM.*--local/s);
  assert.deepEqual(readdirSync(path.join(cwd, 'outputs')), []);
});

test('a program that is not installed is named before anything starts', async (t) => {
  const path = place(t);
  const custom = ['--set', 'benchmark={type: custom, command: "true"}'];
  const { code, stderr } = await srtctl(['apply', ...QUICKSTART, '--local', '-o', path, ...custom], { path });
  assert.equal(code, 4);
  assert.match(stderr, /error: bash was not found, and benchmark needs it: PATH is /);
});

test('apply says so when no run directory can be made', async () => {
  const { code, stderr } = await srtctl(['apply', ...QUICKSTART, '--local', '-o', 'package.json/runs']);
  assert.equal(code, 4);
  assert.match(stderr, /no run directory can be made in \S+package\.json\/runs: ENOTDIR.*-o DIR takes another/);
});

test('commands about runs say so when there is none', async (t) => {
  const directory = place(t);
  for (const command of ['status', 'logs', 'wait', 'cancel']) {
    const { code, stderr } = await srtctl([command], { cwd: directory });
    assert.equal(code, 2, command);
    assert.match(stderr, /there are no runs in .*outputs; "srtctl apply" makes one/);
  }
  const list = await srtctl(['list'], { cwd: directory });
  assert.equal(list.code, 0);
  assert.match(list.stderr, /there are no runs/);
});
