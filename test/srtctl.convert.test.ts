// `srtctl convert`: recipes in the keys of the other schema, with the same plans and the same comments.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { samePlans } from '../src/srtctl/commands/same-plans.ts';
import { convertRecipe } from '../src/srtctl/recipe/load/convert-recipe.ts';
import { loadRecipe } from '../src/srtctl/recipe/load/load-recipe.ts';
import { RECIPES, recipeFiles } from './support/golden-plans.ts';
import { ROOT } from './support/program.ts';
import { srtctl } from './support/srtctl-command.ts';

const PUBLIC = join(ROOT, 'test/fixtures/public-recipes');
const CONTEXT = { workingDirectory: '/home/me', env: { SGLANG_SRC: '/home/me/sglang', HOME: '/home/me' } } as never;

const TEXTS: readonly (readonly [name: string, text: string])[] = [
  ...recipeFiles().map((file) => [file, readFileSync(join(RECIPES, file), 'utf8')] as const),
  ...readdirSync(PUBLIC)
    .filter((file) => /^\d.*\.yaml$/.test(file))
    .map((file) => [file, readFileSync(join(PUBLIC, file), 'utf8')] as const)
    .filter(([file, text]) => loadRecipe(text, file).problems.length === 0),
];

function other(text: string): string {
  const converted = convertRecipe(text, null);
  assert.ok(converted.ok);
  return converted.text;
}

const comments = (text: string): readonly string[] => (text.match(/(?<=^|\s)#.*$/gm) ?? []).map((one) => one.trim()).sort();

describe('convert', () => {
  test('has recipes of both schemas to convert', () => {
    assert.ok(TEXTS.length > 50, `${TEXTS.length}`);
    assert.ok(TEXTS.some(([, text]) => /^schema: 2/m.test(text)));
  });

  for (const [name, text] of TEXTS)
    test(`${name} has the same plans in the other schema, and back again`, () => {
      const there = other(text);
      assert.equal(samePlans(text, there, name, CONTEXT), null, there);
      const back = other(there);
      assert.equal(samePlans(text, back, name, CONTEXT), null, back);
      assert.deepEqual(comments(there), comments(text));
    });

  test('changes a file in place, and nothing that would have another plan', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'convert-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'r.yaml');
    const text = 'name: a\nmodel: {path: /m, container: c}\nresources: {agg_workers: 1}\nfrontend: {type: sglang}\n';
    writeFileSync(file, text);
    assert.equal((await srtctl(['convert', '-f', file, '--to', '1'])).stdout, text);
    const there = await srtctl(['convert', '-f', file, '--in-place']);
    assert.deepEqual([there.code, there.stdout], [0, `${file}: schema 2\n`]);
    assert.match(readFileSync(file, 'utf8'), /^schema: 2\nname: a\n/);
    writeFileSync(file, 'name: a\nresources: {agg_workers: 1}\n');
    const wrong = await srtctl(['convert', '-f', file]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /it is not right as it is: .*model/);
  });

  test('prints what a person would have written', () => {
    const text = `# A fleet.
name: pair # its name
model: {path: /m, container: c}
resources:
  gpus_per_node: 4
  # One of each.
  prefill_nodes: 1
  prefill_workers: 1
  decode_nodes: 0
  decode_workers: 1
  gpus_per_prefill: 2
  gpus_per_decode: 2
backend:
  use_sglang_router: true
  prefill_environment: {A: "1"}
  sglang_config:
    # Flags of prefill.
    prefill:
      tp-size: 2 # two
    decode:
      tp-size: 2
`;
    assert.equal(
      other(text),
      `# A fleet.
schema: 2
name: pair # its name
model: {path: /m, container: c}
resources:
  gpus_per_node: 4
engine: sglang
roles:
  prefill:
    # One of each.
    nodes: 1
    workers: 1
    gpus: 2
    env: {A: "1"}
    # Flags of prefill.
    args:
      tp-size: 2 # two
  decode:
    nodes: colocate
    workers: 1
    gpus: 2
    args:
      tp-size: 2
frontend:
  type: sglang-router
`,
    );
  });
});
