/** The simulated engine against what a real SGLang 0.5.23 answered to the same requests (test/fixtures). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type SimHandle, startSim } from '../src/sim/program/start-sim.ts';
import { pythonJson, Recording } from './support/recording.ts';
import { sendRaw } from './support/send-raw.ts';

const recording = new Recording('sglang-0.5.23.jsonl');

describe('the simulated engine answers as SGLang 0.5.23 was seen to answer', () => {
  let sim: SimHandle;
  before(async () => {
    sim = await startSim({ contextLength: 4096, kvTokens: 16_384, speedup: 100 });
  });
  after(() => sim.stop());

  it('has cases to compare', () => {
    assert.ok(recording.cases.length > 140, `${recording.cases.length} cases`);
  });

  for (const recorded of recording.cases) {
    it(recorded.name, async () => {
      const body = recorded.raw ?? (recorded.body === undefined ? undefined : pythonJson(recorded.body));
      recording.check(recorded, await sendRaw(sim.port, recorded.method, recorded.path, recorded.send ?? {}, body));
    });
  }
});

const pairs = new Recording('sglang-0.5.23-pairs.jsonl');

describe('the two halves of a pair answer as those of SGLang 0.5.23 were seen to answer', () => {
  let prefill: SimHandle;
  let decode: SimHandle;
  let rooms = 1000;
  before(async () => {
    const options = { contextLength: 4096, kvTokens: 16_384, speedup: 100 };
    prefill = await startSim({ ...options, disaggregationMode: 'prefill', disaggregationBootstrapPort: 0 });
    decode = await startSim({ ...options, disaggregationMode: 'decode' });
  });
  after(() => Promise.all([prefill.stop(), decode.stop()]));

  it('has cases to compare', () => {
    assert.ok(pairs.cases.length >= 38, `${pairs.cases.length} cases`);
  });

  for (const name of new Set(pairs.cases.map((recorded) => recorded.name))) {
    it(name, async () => {
      rooms += 10;
      const room = rooms;
      const legs = pairs.cases.filter((recorded) => recorded.name === name);
      const replies = legs.map((recorded) => {
        const where = { bootstrap_host: '127.0.0.1', bootstrap_port: prefill.bootstrapPort, bootstrap_room: room };
        // A double cannot hold the largest room, so it was written down as text.
        const body = pythonJson({ ...where, ...(recorded.body as object) }).replace(/"(\d{19})"/, '$1');
        const { port } = recorded.leg === 'prefill' ? prefill : decode;
        return sendRaw(port, 'POST', recorded.path, { 'content-type': 'application/json' }, body);
      });
      for (const [at, reply] of (await Promise.all(replies)).entries()) pairs.check(legs[at]!, reply);
    });
  }
});
