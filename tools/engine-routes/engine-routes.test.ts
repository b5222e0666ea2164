// The table of engine routes says what the router does, and its reader sees every way in which SGLang declares a route.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../../test/support/program.ts';
import { pageOf, unknownRoutes } from './page.ts';
import { treatmentOf } from './treatment.ts';

test('docs/engine-routes.md says what the router does with each route', () => {
  const rows = readFileSync(join(ROOT, 'docs/engine-routes.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `/'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  assert.ok(rows.length > 90);
  for (const [, path = '', methods = '', , said] of rows) {
    for (const method of methods.split(', ')) {
      assert.equal(
        treatmentOf({ method, path: path.replaceAll('`', '') }),
        said,
        `${method} ${path}: run npm run engine-routes -- --write`,
      );
    }
  }
});

test('a route in neither list is named with its releases, and so is a new method of a known one', () => {
  const known = [{ method: 'POST', path: '/generate' }];
  const releases = [
    { version: '0.5.23', routes: known },
    { version: '0.6.0', routes: [...known, { method: 'POST', path: '/melt' }, { method: 'DELETE', path: '/v1/models' }] },
  ];
  assert.deepEqual(unknownRoutes(releases), ['POST /melt (0.6.0)', 'DELETE /v1/models (0.6.0)']);
  assert.match(pageOf(releases), /\| `\/generate` +\| POST +\| all +\| one worker, or a pair +\|/);
});

const SERVER = `
import os
from sglang.srt.entrypoints.extra import router as extra_router
_root = os.environ.get("ROOT_ROUTE")
app.include_router(extra_router)
@app.get("/health")
@app.get("/health_generate")
async def health(): ...
@app.api_route("/flush_cache", methods=["GET", "POST"])
async def flush(): ...
@app.api_route("/info")
async def info(): ...
@app.post(os.environ.get("PREDICT_ROUTE", "/predict"), dependencies=[Depends(check)])
async def predict(): ...
if _root:
    @app.get(_root)
    async def root(): ...
@app.websocket("/live")
async def live(): ...
app.add_api_route("/added", added, methods=["PUT"])
`;
const EXTRA = `
@router.post("/extra/{name}")
async def extra(name): ...
`;

/** The routes that read-routes.py finds, or what it says on stderr. */
function readWheel(files: Readonly<Record<string, string>>): string[] | string {
  const folder = mkdtempSync(join(tmpdir(), 'wheel-'));
  try {
    const wheel = join(folder, 'x.whl');
    const write =
      'import json, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], "w") as z:\n  for n, t in json.load(sys.stdin).items(): z.writestr(n, t)';
    assert.equal(spawnSync('python3', ['-c', write, wheel], { input: JSON.stringify(files) }).status, 0);
    const { status, stdout, stderr } = spawnSync('python3', [join(ROOT, 'tools/engine-routes/read-routes.py'), wheel], {
      encoding: 'utf8',
    });
    if (status !== 0) return stderr;
    const read = JSON.parse(stdout) as readonly { path: string; methods: string[] }[];
    return read.map(({ path, methods }) => `${methods.join(' ')} ${path}`).sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hasPython = spawnSync('python3', ['--version']).status === 0;

test('the reader finds routes of decorators, calls, routers and environment variables', { skip: hasPython ? false : 'no python3' }, () => {
  const files = { 'sglang/srt/entrypoints/http_server.py': SERVER, 'sglang/srt/entrypoints/extra.py': EXTRA };
  assert.deepEqual(readWheel(files), [
    'GET /health',
    'GET /health_generate',
    'GET /info',
    'GET POST /flush_cache',
    'POST /extra/{name}',
    'POST /predict',
    'PUT /added',
    'WEBSOCKET /live',
  ]);
  assert.deepEqual(readWheel({ 'sglang/srt/server.py': '@app.get("/health")\ndef health(): ...\n' }), ['GET /health']);
});

test('the reader fails where it may have missed a route', { skip: hasPython ? false : 'no python3' }, () => {
  const server = (text: string) => ({ 'sglang/srt/entrypoints/http_server.py': text });
  for (const [files, reason] of [
    [server('@app.get(f"/{x}")\ndef f(): ...'), /cannot read this path/],
    [server('app.include_router(make())\n@app.get("/a")\ndef f(): ...'), /cannot find this router/],
    [server('x = 1'), /no route found/],
    [{ 'sglang/other.py': '' }, /where is the application now/],
  ] as const) {
    assert.match(String(readWheel(files)), reason);
  }
});
