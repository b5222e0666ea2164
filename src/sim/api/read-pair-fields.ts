/** The fields by which a request of a pair names its partner. Source: behaviour recorded from SGLang 0.5.23. */
import { EngineError } from '../engine/engine-error.ts';
import type { PairFields } from '../engine/pair-fields.ts';
import { pythonRepr } from '../http/python-json.ts';
import { rawMember } from './raw-member.ts';
import { type Body, type Handler, schemaError } from './request-body.ts';
import type { SchemaProblem } from './schema-error.ts';

const MOST_ROOM = 2n ** 64n - 1n;
const LEAST_ROOM = -(2n ** 63n);

/** Reads the fields of the body. Throws a SchemaError, or on /generate a RoomError, for rooms that are not numbers. */
export function readPairFields(bytes: Buffer, body: Body, handler: Handler): PairFields {
  return {
    hosts: body['bootstrap_host'],
    ports: body['bootstrap_port'],
    rooms: body['bootstrap_room'] === undefined ? null : readRooms(rawMember(bytes, 'bootstrap_room'), handler),
    prefillRanks: body['disagg_prefill_dp_rank'],
  };
}

/** Problems of one value. */
type Problems = readonly SchemaProblem[];

function readRooms(raw: string | null, handler: Handler): PairFields['rooms'] {
  if (raw === null || raw === 'null') return null;
  const isNative = handler.input.kind === 'dataclass';
  const loc = ['body', 'bootstrap_room'];
  const list = isNative ? 'list[nullable[int]]' : 'list[int]';
  const asInteger = [...loc, 'int'];
  const asList = [...loc, list];
  if (!raw.startsWith('[')) {
    const problem = findProblem(raw, asInteger);
    const noList = { type: 'list_type', loc: asList, msg: 'Input should be a valid list', input: inputText(raw), ctx: '' };
    if (problem !== null) throw schemaError(handler, [noList, problem]);
    return toRoom(raw, isNative, 'a value or an array of values for OptionalInt64OrList');
  }
  const items = splitList(raw);
  const noInteger = { type: 'int_type', loc: asInteger, msg: NO_INTEGER, input: pythonRepr(JSON.parse(raw)), ctx: '' };
  const problems: Problems = items.flatMap((item, at) => (item === 'null' && isNative ? [] : (findProblem(item, [...asList, at]) ?? [])));
  if (problems.length > 0) throw schemaError(handler, [...problems, noInteger]);
  return items.map((item) => (item === 'null' ? null : toRoom(item, isNative, 'i64')));
}

const NO_INTEGER = 'Input should be a valid integer';

/** Why the schema rejects the JSON text as an integer; null if it accepts it. It accepts booleans and digits in quotes. */
function findProblem(text: string, loc: readonly (string | number)[]): SchemaProblem | null {
  const problem = (type: string, msg: string): SchemaProblem => ({ type, loc, msg, input: inputText(text), ctx: '' });
  if (/^-?\d+$/.test(text)) {
    const room = BigInt(text);
    if (room <= MOST_ROOM && room >= LEAST_ROOM) return null;
    return problem('int_parsing_size', 'Unable to parse input string as an integer, exceeded maximum size');
  }
  if (text === 'true' || text === 'false' || /^"-?\d{1,18}"$/.test(text)) return null;
  if (text.startsWith('"')) return problem('int_parsing', `${NO_INTEGER}, unable to parse string as an integer`);
  if (/^-?\d/.test(text)) return problem('int_from_float', `${NO_INTEGER}, got a number with a fractional part`);
  return problem('int_type', NO_INTEGER);
}

/** Digits of a room that the schema accepts. /generate is stricter than its schema. */
function toRoom(text: string, isStrict: boolean, expected: string): string {
  if (/^-?\d+$/.test(text)) return String(BigInt(text));
  if (isStrict) {
    const named = text.startsWith('"') ? `string ${text}` : `boolean \`${text}\``;
    throw new RoomError(`invalid type: ${named}, expected ${expected}`);
  }
  return text === 'true' ? '1' : text === 'false' ? '0' : String(BigInt(text.slice(1, -1)));
}

/** JSON texts of the elements. An element with a comma is not a room, so splitting it does no harm. */
function splitList(raw: string): readonly string[] {
  const inside = raw.slice(1, -1).trim();
  return inside === '' ? [] : inside.split(',').map((item) => item.trim());
}

/** The value as Python prints it: an integer of more than 64 bits has become a float. */
function inputText(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'number' && Math.abs(value) >= 1e16 ? value.toExponential() : pythonRepr(value);
  } catch {
    return text;
  }
}

/** A room that the schema accepts and the engine rejects. */
export class RoomError extends EngineError {}
