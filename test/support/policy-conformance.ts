/**
 * What every policy must do, as one suite that runs over the catalogue. It simulates a pool: workers join, leave, become eligible
 * or not; requests arrive, retry, stream and end; and the policy chooses in between.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Rng } from '../../src/base/core/rng.ts';
import type { Prompt, RouteInput } from '../../src/base/core/route-input.ts';
import { NONE, type WorkerIndex } from '../../src/base/core/worker.ts';
import type { Choice, Policy } from '../../src/router/policy/contract.ts';
import { Pool, startForTest } from './policy-pool.ts';
import { promptOf } from './prompt-of.ts';
import { workerOf } from './worker-of.ts';

const WORKERS = 12;
const TEXTS = ['', 'a', 'the same words ', 'other words, other prompt ', '[{"role":"user","content":"hi'];
const KEYS = [undefined, 'a', 'b', 'another key'];
const worker = fc.nat(WORKERS - 1);
const request = fc.record({
  kind: fc.constant('request' as const),
  text: fc.nat(TEXTS.length - 1),
  repeat: fc.nat(40),
  key: fc.nat(KEYS.length - 1),
  excluded: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.uniqueArray(worker, { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.uniqueArray(worker, { maxLength: WORKERS, size: 'max' }) },
  ),
});
const event = fc.oneof(
  { weight: 8, arbitrary: request },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), outcome: fc.constantFrom('ok', 'ok', 'connect-failed', 'cut') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('first token' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(2000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('join' as const), worker }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('eligible' as const), worker, eligible: fc.boolean() }) },
);
const events = fc.array(event, { maxLength: 120, size: 'max' });
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

const promptFor = ({ text, repeat }: Request): Prompt => promptOf(TEXTS[text]!.repeat(repeat));
/** Of the text with this number, longer than a block of the prefix index. */
const longPrompt = (text: number): Prompt => promptOf(TEXTS[text]!.repeat(30));
const inputFor = (pool: Pool, asked: Request): RouteInput => pool.input(promptFor(asked), KEYS[asked.key]);

/**
 * Plays the events; returns every choice in order, after `check` has seen it. `made`: choices to commit without asking the policy.
 */
function play(
  pool: Pool,
  script: readonly Event[],
  check: (choice: Choice, excluded: readonly WorkerIndex[]) => void = () => {},
  made: readonly Choice[] | null = null,
): Choice[] {
  const choices: Choice[] = [];
  for (const each of script) {
    if (each.kind === 'request') {
      const input = inputFor(pool, each);
      const choice = pool.commit(made === null ? pool.selectFor(input, each.excluded) : made[choices.length]!, input);
      check(choice, each.excluded);
      choices.push(choice);
    } else if (each.kind === 'end') pool.endOldest(each.outcome);
    else if (each.kind === 'first token') pool.firstToken();
    else if (each.kind === 'wait') pool.nowMs += each.ms;
    else if (each.kind === 'eligible') pool.setEligible(each.worker, each.eligible);
    else if (each.kind === 'leave') pool.leave(each.worker);
    else if (!pool.joined.has(each.worker)) pool.join(each.worker);
  }
  return choices;
}

/** Registers the suite for one policy. `createRng`: a seeded source of chance. */
export function testConformance(policy: Policy, createRng: (seed: number) => Rng): void {
  describe(`${policy.name} conforms`, () => {
    it('takes other values of its settings if a reload may change one', () => {
      const isReloadable = Object.values(policy.settings).some(({ reloadable }) => reloadable === true);
      assert.equal(policy.adjust !== undefined, isReloadable);
    });

    it('chooses an eligible worker that is not excluded, and NONE only if every eligible worker is excluded', () => {
      let asked = 0;
      fc.assert(
        fc.property(events, fc.nat(), (script, seed) => {
          const pool = new Pool(policy, createRng(seed));
          play(pool, script, (choice, excluded) => {
            asked++;
            const choosable = [...pool.eligible].filter((each) => !excluded.includes(each));
            if (policy.mayFindNobody !== true || choosable.length === 0) assert.equal(choice.worker === NONE, choosable.length === 0);
            assert.equal(choice.because === 'none', choice.worker === NONE);
            if (policy.mayFindNobody !== true) assert.equal(choice.because === 'only', choosable.length === 1);
            assert.ok(choice.worker === NONE || choosable.includes(choice.worker));
            assert.ok(['none', 'only', ...policy.reasons].includes(choice.because), choice.because);
          });
        }),
        { numRuns: 150 },
      );
      assert.ok(asked > 1000);
    });

    it('makes the same choices again from the same events and seed', () => {
      fc.assert(
        fc.property(events, fc.nat(), (script, seed) => {
          const [a, b] = [new Pool(policy, createRng(seed)), new Pool(policy, createRng(seed))];
          assert.deepEqual(play(a, script), play(b, script));
        }),
        { numRuns: 60 },
      );
    });

    it('changes nothing in select: asked twice with the same chance it answers twice the same', () => {
      fc.assert(
        fc.property(events, request, fc.nat(), fc.nat(), (script, asked, seed, chance) => {
          const pool = new Pool(policy, createRng(seed));
          play(pool, script);
          const input = inputFor(pool, asked);
          const ask = () => pool.selectFor(input, asked.excluded, createRng(chance));
          const first = ask();
          pool.selectFor(pool.input(longPrompt(1)), [], createRng(chance + 1));
          assert.deepEqual(ask(), first);
        }),
        { numRuns: 100 },
      );
    });

    it('keeps no trace of an exclusion: later choices follow from what was committed', () => {
      fc.assert(
        fc.property(events, fc.nat(), (script, seed) => {
          const [excluding, told] = [new Pool(policy, createRng(seed)), new Pool(policy, createRng(seed))];
          const chance = createRng(seed);
          const choices = play(excluding, script);
          play(told, script, () => {}, choices);
          for (let i = 0; i < TEXTS.length; i++) {
            const draw = chance.nextUint32();
            const ask = (pool: Pool) => pool.selectFor(pool.input(longPrompt(i), 'a'), [], createRng(draw));
            assert.deepEqual(ask(excluding), ask(told));
          }
        }),
        { numRuns: 100 },
      );
    });

    it('takes a commit without a select before it, and a commit of nobody', () => {
      fc.assert(
        fc.property(events, request, fc.nat(), (script, asked, seed) => {
          const pool = new Pool(policy, createRng(seed));
          const input = inputFor(pool, asked);
          for (const index of [NONE, 0, 5, WORKERS])
            policy.commit?.(pool.state, { worker: index, because: 'chance', matchedBytes: 0 }, input);
          play(pool, script, (choice, excluded) =>
            assert.ok(choice.worker === NONE || (pool.eligible.has(choice.worker) && !excluded.includes(choice.worker))),
          );
        }),
        { numRuns: 60 },
      );
    });

    it('commits the prompt it is given, even when it is not the one that select saw', () => {
      fc.assert(
        fc.property(fc.array(request, { minLength: 1, maxLength: 30 }), request, fc.nat(), (script, other, seed) => {
          const [mixed, plain] = [new Pool(policy, createRng(seed)), new Pool(policy, createRng(seed))];
          for (const pool of [mixed, plain]) pool.join(0, 1, 2, 3);
          for (const each of script) {
            const input = inputFor(mixed, each);
            const choice = mixed.selectFor(input, []);
            // Something else is asked (with chance of its own) before the choice is committed.
            mixed.selectFor(inputFor(mixed, other), [], createRng(1));
            policy.commit?.(mixed.state, choice, input);
            mixed.loads.acquire(choice.worker);
            assert.equal(plain.commit(plain.selectFor(input, []), input).worker, choice.worker);
          }
        }),
        { numRuns: 60 },
      );
    });

    it('treats a worker that came back under an old index as a new one', () => {
      fc.assert(
        fc.property(fc.array(request, { maxLength: 40 }), fc.nat(), (script, seed) => {
          const pool = new Pool(policy, createRng(seed));
          pool.join(0, 1);
          play(pool, script);
          for (const index of [0, 1]) pool.leave(index);
          pool.join(1, 0);
          for (let i = 0; i < TEXTS.length; i++) {
            const choice = pool.select(longPrompt(i));
            assert.notEqual(choice.because, 'prefix');
            assert.equal(choice.matchedBytes, 0);
          }
        }),
        { numRuns: 60 },
      );
    });

    it('knows nothing of what an engine held that has emptied its cache', () => {
      fc.assert(
        fc.property(fc.array(request, { maxLength: 40 }), fc.nat(), (script, seed) => {
          const pool = new Pool(policy, createRng(seed));
          pool.join(0, 1);
          play(pool, script);
          for (const index of [0, 1]) policy.forget?.(pool.state, index);
          for (let i = 0; i < TEXTS.length; i++) assert.equal(pool.select(longPrompt(i)).matchedBytes, 0);
        }),
        { numRuns: 60 },
      );
    });

    it('takes joins and departures in any order, repeated and unknown ones too', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.boolean(), worker), { maxLength: 60, size: 'max' }), (script) => {
          const state = startForTest(policy);
          for (const [joins, index] of script) {
            if (joins) policy.join?.(state, workerOf(index));
            else policy.leave?.(state, index);
          }
        }),
        { numRuns: 60 },
      );
    });

    const isSpread = policy.name !== 'passthrough';
    it('gives distinct prompts on an idle fleet to all workers, none more than its share and a bit', {
      skip: !isSpread && 'it gives all to one',
    }, () => {
      const pool = new Pool(policy, createRng(5));
      pool.join(...Array.from({ length: 8 }, (_, i) => i));
      const counts = new Array<number>(8).fill(0);
      const requests = 4000;
      for (let i = 0; i < requests; i++) {
        // Of one length: a policy may go by it.
        counts[pool.dispatch(promptOf(`"${1000 + i} and so on ${1000 + i}"`)).worker]!++;
        pool.endOldest();
      }
      // Six standard deviations of a fair die with eight sides.
      const bound = 6 * Math.sqrt((requests / 8) * (7 / 8));
      for (const count of counts) assert.ok(Math.abs(count - requests / 8) < bound, `${counts}`);
    });
  });
}
