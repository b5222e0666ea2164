import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keptText, load, one } from '../../../../test/support/load-text.ts';
import { SEED_RECIPE, smallRecipe } from '../../../../test/support/recipe-texts.ts';
import { formatProblem } from '../text/problem.ts';

describe('secrets', () => {
  const SECRET = 'hf_Abc"def\'ghi';
  const text = smallRecipe(`environment:
  HF_TOKEN: ${JSON.stringify(SECRET)}
  PLAIN: !secret marked-value
backend:
  sglang_config:
    aggregated:
      api-key: sk-123456
      tokenizer-path: /tok
`);

  it('are collected by key and by tag', () => {
    assert.deepEqual([...one(text).secrets].sort(), [SECRET, 'marked-value', 'sk-123456'].sort());
  });

  it('are not in the text that is kept', () => {
    const redactedText = keptText(text);
    for (const secret of ['hf_Abc', 'marked-value', 'sk-123456']) assert.ok(!redactedText.includes(secret), redactedText);
    assert.ok(redactedText.includes('tokenizer-path: /tok'));
    const again = one(redactedText);
    assert.equal(again.environment['HF_TOKEN'], '***');
    assert.deepEqual(again.workers[0]?.flags, { 'api-key': '***', 'tokenizer-path': '/tok' });
  });

  it('are not in complaints', () => {
    const { problems } = load(`${text}\nname2: sk-123456\nslurm: {time_limit: "sk-123456"}\n`);
    assert.equal(problems.length, 2);
    assert.ok(!problems.map(formatProblem).join('\n').includes('sk-123456'));
  });

  it('may be given on the command line', () => {
    const overrides = [{ kind: 'set', text: 'environment.X_API_KEY=from-the-shell' }] as const;
    const { recipes } = load(smallRecipe(), { overrides });
    assert.deepEqual(recipes[0]?.secrets, ['from-the-shell']);
  });

  it('written over several lines leave YAML behind', () => {
    const folded = smallRecipe('environment:\n  MY_PRIVATE_KEY: |\n    line-one\n    line-two\n  Z: after\n');
    const redactedText = keptText(folded);
    assert.ok(!/line-(one|two)/.test(redactedText), redactedText);
    assert.deepEqual(one(redactedText).environment, { MY_PRIVATE_KEY: '***', Z: 'after' });
  });
});

describe('the text that is kept', () => {
  it('is the file, if the recipe is all of it', () => assert.equal(keptText(SEED_RECIPE), SEED_RECIPE));

  it('has what the command line changed', () => {
    const text = keptText(SEED_RECIPE, { overrides: [{ kind: 'set', text: 'benchmark.isl=7' }] });
    assert.match(text, /^ {2}isl: 7$/m);
    assert.deepEqual(one(text).workers, one(SEED_RECIPE).workers);
  });

  it('of a variant and of a point of a sweep is that recipe alone', () => {
    const text = `base:\n${smallRecipe().replace(/^(?=.)/gm, '  ')}override_a: {environment: {V: "{v}"}, sweep: {v: [08, "08", yes]}}\n`;
    const { recipes, textOf } = load(text);
    assert.equal(recipes.length, 3);
    for (const recipe of recipes) {
      const { variant: _, ...rest } = one(textOf(recipe));
      assert.deepEqual({ ...rest, variant: recipe.variant }, recipe);
    }
  });

  it('hides secrets that the command line or a sweep brought', () => {
    const overrides = [{ kind: 'set', text: 'environment.MY_TOKEN=swordfish' }] as const;
    const text = keptText(smallRecipe('environment: {A: "x swordfish"}'), { overrides });
    assert.ok(!text.includes('swordfish'));
    assert.deepEqual(one(text).environment, { A: 'x ***', MY_TOKEN: '***' });
  });
});
