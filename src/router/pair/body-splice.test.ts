import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { valueSource } from '../../../test/support/json-documents.ts';
import { MemberRecord } from '../../wire/json/member-record.ts';
import { NO_PROMPT } from '../../wire/json/prompt-fields.ts';
import { RequestScan } from '../../wire/json/scan-request.ts';
import { planSplice, splicedBytes, writeSpliced } from './body-splice.ts';
import { BOOTSTRAP_MEMBERS, BootstrapFields, RANK_MEMBERS, rankMembers } from './bootstrap-fields.ts';
import { PAIR_FIELDS } from './pair-fields.ts';

const scan = new RequestScan();
const record = new MemberRecord(PAIR_FIELDS);
const OURS = '"bootstrap_host":"p","bootstrap_port":8998,"bootstrap_room":9223372036854775807';

/** Splices text that lies in the middle of one buffer into the middle of another. */
function spliceText(text: string, members = OURS, replaced = BOOTSTRAP_MEMBERS): string {
  const body = Buffer.from(text);
  const source = Buffer.concat([Buffer.from('}"x'), body, Buffer.from(',{"')]);
  assert.equal(scan.scan(source, 3, 3 + body.length, NO_PROMPT, record), 'ok');
  const splice = planSplice(record, 3, 3 + body.length, replaced);
  const bytes = splicedBytes(splice, members);
  const target = Buffer.alloc(bytes + 12, 0x7e);
  assert.equal(writeSpliced(splice, source, members, target, 5), 5 + bytes);
  assert.equal(target.toString('latin1', 0, 5), '~~~~~', 'wrote in front of its place');
  assert.equal(target.toString('latin1', 5 + bytes), '~~~~~~~', 'wrote behind its place');
  return target.toString('utf8', 5, 5 + bytes);
}

test('puts the fields in front of the members, and leaves every other byte as it is', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{"text":"hi"}', `{${OURS},"text":"hi"}`],
    ['{}', `{${OURS}}`],
    ['{ }', `{${OURS} }`],
    [' \n{\t"a" : 0.70000 , "b":1e400}\r\n', ` \n{${OURS},\t"a" : 0.70000 , "b":1e400}\r\n`],
    ['{"a":123456789012345678901234567890}', `{${OURS},"a":123456789012345678901234567890}`],
    ['{"a":"é\\u00e9","a":1}', `{${OURS},"a":"é\\u00e9","a":1}`],
  ];
  for (const [body, spliced] of cases) assert.equal(spliceText(body), spliced);
});

test("takes out the client's own, wherever they stand, however often and however they are spelled", () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{"bootstrap_room":7}', `{${OURS}}`],
    ['{"bootstrap_room":7,"a":1}', `{${OURS},"a":1}`],
    ['{"a":1,"bootstrap_room":7}', `{${OURS},"a":1}`],
    ['{"a":1,"bootstrap_room":7,"b":2}', `{${OURS},"a":1,"b":2}`],
    ['{ "bootstrap_host" : null , "a" : 1 }', `{${OURS}  , "a" : 1 }`],
    ['{"a":1 , "bootstrap_port" : [1, {"a":"]"}] , "b":2}', `{${OURS},"a":1  , "b":2}`],
    ['{"bootstrap_room":1,"bootstrap_room":2,"a":3,"bootstrap_room":"x"}', `{${OURS},"a":3}`],
    ['{"bootstrap_roo\\u006d":7,"a":1}', `{${OURS},"a":1}`],
    ['{"a":1,"\\u0062ootstrap_\\u0068ost":"x","bootstrap_pair_key":"k"}', `{${OURS},"a":1}`],
  ];
  for (const [body, spliced] of cases) assert.equal(spliceText(body), spliced);
});

test('leaves fields of the same names inside other values alone, and names that only look alike', () => {
  const inner = '"a":{"bootstrap_room":1,"bootstrap_host":"x"},"b":[{"bootstrap_port":2}],"c":"\\"bootstrap_room\\":3"';
  const alike = '"Bootstrap_room":1,"bootstrap_rooms":2,"bootstrap_roo":3,"data_parallel_rank":4';
  assert.equal(spliceText(`{${inner},${alike}}`), `{${OURS},${inner},${alike}}`);
});

test('ranks are replaced only where the router sets them', () => {
  const body = '{"data_parallel_rank":1,"a":2,"routed_dp_rank":3,"disagg_prefill_dp_rank":4}';
  assert.equal(spliceText(body), `{${OURS},${body.slice(1)}`);
  const members = `${OURS}${rankMembers(5, 6)}`;
  assert.equal(
    spliceText(body, members, BOOTSTRAP_MEMBERS | RANK_MEMBERS),
    `{${OURS},"data_parallel_rank":5,"routed_dp_rank":5,"disagg_prefill_dp_rank":6,"a":2}`,
  );
  assert.equal(rankMembers(null, null), '');
  assert.equal(rankMembers(0, null), ',"data_parallel_rank":0,"routed_dp_rank":0');
  assert.equal(rankMembers(null, 2), ',"disagg_prefill_dp_rank":2');
});

const space = fc.constantFrom('', '', ' ', '\n\t');
const key = fc.constantFrom('bootstrap_host', 'bootstrap_roo\\u006d', 'bootstrap_port', 'text', 'a', 'n', 'data_parallel_rank', '');
const member = fc.tuple(space, key, space, space, valueSource, space).map(([a, name, b, c, value, d]) => ({
  name,
  text: `${a}"${name}"${b}:${c}${value}${d}`,
  /** What stays of it when it is cut: white space before it belongs to it unless it is the first. */
  left: (isFirst: boolean) => (isFirst ? `${a}${d}` : d),
}));

test('what an engine reads of a spliced body is the old body without the replaced fields, and ours', () => {
  fc.assert(
    fc.property(space, fc.array(member, { maxLength: 6 }), space, (before, members, inner) => {
      const source = `${before}{${members.length === 0 ? inner : members.map((m) => m.text).join(',')}}${inner}`;
      const spliced = spliceText(source);
      const wanted = JSON.parse(source) as Record<string, unknown>;
      for (const name of ['bootstrap_host', 'bootstrap_port', 'bootstrap_room']) delete wanted[name];
      Object.assign(wanted, JSON.parse(`{${OURS}}`));
      assert.deepEqual(JSON.parse(spliced), wanted);
      const left = members.map((m, i) => (m.name.startsWith('bootstrap_') ? m.left(i === 0) : `,${m.text}`)).join('');
      assert.equal(spliced, `${before}{${OURS}${members.length === 0 ? inner : left}}${inner}`);
    }),
    { numRuns: 3000 },
  );
});

test('a host is written as JSON in ASCII, a port that is not known as null', () => {
  const rooms = [
    { digits: '1', block: 0 },
    { digits: '9223372036854775807', block: 9 },
  ] as const;
  assert.equal(
    new BootstrapFields('[fd00::1]', null).single(rooms[1]),
    '"bootstrap_host":"[fd00::1]","bootstrap_port":null,"bootstrap_room":9223372036854775807',
  );
  assert.equal(
    new BootstrapFields('p0.cluster', 8998).batch(rooms),
    '"bootstrap_host":["p0.cluster","p0.cluster"],"bootstrap_port":[8998,8998],"bootstrap_room":[1,9223372036854775807]',
  );
  assert.equal(new BootstrapFields('h', 1).batch([]), '"bootstrap_host":[],"bootstrap_port":[],"bootstrap_room":[]');
  const odd = new BootstrapFields('é"\\😀', 1).single(rooms[0]);
  assert.match(odd, /^[ -~]+$/);
  assert.equal(JSON.parse(`{${odd}}`).bootstrap_host, 'é"\\😀');
});
