// Two engines and a router, each started by its program as the README says, on free ports.
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { isClosed, Program } from './support/program.ts';
import { ask } from './support/raw-client.ts';

const CHAT = '{"model":"tiny","messages":[{"role":"user","content":"Hello"}],"max_tokens":4,"stream":true}';

interface Engine {
  readonly program: Program;
  readonly url: string;
  readonly port: number;
}

async function startEngine(t: TestContext): Promise<Engine> {
  const program = Program.start(t, 'sim', ['--port', '0']);
  await program.says(/^sglang-sim ready .*\n/m);
  const url = /http:\S+/.exec(program.stdout)?.[0] ?? assert.fail(program.stdout);
  return { program, url, port: Number(new URL(url).port) };
}

async function startRouter(t: TestContext, args: readonly string[]): Promise<{ program: Program; port: number }> {
  const program = Program.start(t, 'router', ['--port', '0', '--prometheus-port', '0', ...args]);
  await program.says('"router listens"');
  const port = Number(program.logged('router listens')[0]?.['port']);
  await program.says(/(worker takes requests[\s\S]*){2}/);
  return { program, port };
}

/** Requests for text that an engine has seen. */
async function chatsAt(engine: Engine): Promise<number> {
  const stats = (await ask(engine.port, { path: '/sim/stats' })).json() as { requests: Record<string, number> };
  return stats.requests['/v1/chat/completions'] ?? 0;
}

for (const [form, flagOf] of [
  ['with a comma, as ever', (urls: string[]) => ['--worker-urls', urls.join(',')]],
  ['as words', (urls: string[]) => ['--worker-urls', ...urls]],
] as const) {
  it(`two engines and a router, URLs given ${form}: requests go to each in turn, and all ends cleanly`, async (t) => {
    const engines = await Promise.all([startEngine(t), startEngine(t)]);
    const { program, port } = await startRouter(t, flagOf(engines.map(({ url }) => url)));
    const models = (await ask(port, { path: '/v1/models' })).json() as { data: { id: string }[] };
    assert.deepEqual(
      models.data.map(({ id }) => id),
      ['tiny'],
    );
    for (let i = 0; i < 10; i++) {
      const answer = await ask(port, { path: '/v1/chat/completions', body: CHAT });
      assert.equal(answer.status, 200);
      assert.match(answer.text, /data: \[DONE\]\n\n$/);
    }
    assert.deepEqual(await Promise.all(engines.map(chatsAt)), [5, 5]);

    program.child.kill('SIGTERM');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
    for (const engine of engines) {
      engine.program.child.kill('SIGTERM');
      assert.deepEqual(await engine.program.exit(), { code: 0, signal: null });
    }
    assert.deepEqual(await Promise.all([port, ...engines.map((engine) => engine.port)].map(isClosed)), [true, true, true]);
  });
}
