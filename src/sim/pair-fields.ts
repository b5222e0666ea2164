/** The fields by which a request of a pair names its partner. Source: behaviour recorded from SGLang 0.5.23. */
import { EngineError } from './engine-error.ts';
import type { FaultRule } from './faults.ts';
import { rawMember } from './raw-member.ts';
import type { Body } from './request-body.ts';

/** Where one generation of a request meets its other half. */
export interface PairSpec {
  /** null: none was given. */
  readonly host: string | null;
  /** null: none was given; decode then takes the port of its own settings. */
  readonly port: number | null;
  /** Decimal digits, 0..2^64-1, perhaps with a minus; null: none was given. */
  readonly room: string | null;
  /** Data-parallel rank of the prefill engine that has the room; null: the one that the room's number says. */
  readonly prefillRank: number | null;
  /** One of several samples of its prompt. */
  readonly isSampled: boolean;
  /** A scripted fault that strikes when the KV is handed over. */
  readonly fault: FaultRule | null;
}

/** A host that stands for no partner at all: the engine's own health checks use it. Source: SGLang, FAKE_BOOTSTRAP_HOST. */
export const FAKE_HOST = '2.2.2.2';

const MOST_ROOM = 2n ** 64n - 1n;
const LEAST_ROOM = -(2n ** 63n);

export interface PairFields {
  readonly hosts: unknown;
  readonly ports: unknown;
  /** Decimal digits; null: none was given, or null. */
  readonly rooms: string | null | readonly (string | null)[];
  readonly prefillRanks: unknown;
}

export const NO_PAIR: PairFields = { hosts: null, ports: null, rooms: null, prefillRanks: null };

/** What the body says. Throws an EngineError with the engine's complaint about rooms that are no numbers. */
export function readPairFields(bytes: Buffer, body: Body): PairFields {
  return {
    hosts: body['bootstrap_host'],
    ports: body['bootstrap_port'],
    rooms: readRooms(rawMember(bytes, 'bootstrap_room')),
    prefillRanks: body['disagg_prefill_dp_rank'],
  };
}

/** The partner of generation `prompt` * `samples` + `sample`. A scalar room is numbered; a room of a list serves all samples of its prompt. */
export function pairSpec({ hosts, ports, rooms, prefillRanks }: PairFields, prompt: number, sample: number, samples: number): PairSpec {
  const host: unknown = Array.isArray(hosts) ? hosts[prompt] : hosts;
  const port: unknown = Array.isArray(ports) ? ports[prompt] : ports;
  const rank: unknown = Array.isArray(prefillRanks) ? prefillRanks[prompt] : prefillRanks;
  const room =
    typeof rooms === 'string' ? String(BigInt(rooms) + BigInt(prompt * samples + sample)) : rooms === null ? null : rooms[prompt];
  return {
    host: typeof host === 'string' ? host : null,
    port: typeof port === 'number' ? port : null,
    room: room ?? null,
    prefillRank: typeof rank === 'number' && Number.isInteger(rank) ? rank : null,
    isSampled: samples > 1,
    fault: null,
  };
}

function readRooms(raw: string | null): PairFields['rooms'] {
  if (raw === null) return null;
  if (!raw.startsWith('[')) return readRoom(raw);
  const inside = raw.slice(1, -1).trim();
  return inside === '' ? [] : inside.split(',').map((item) => readRoom(item.trim()));
}

function readRoom(text: string): string | null {
  if (text === 'null') return null;
  if (!/^-?\d+$/.test(text))
    throw new RoomError(`invalid type: ${nameOf(text)}, expected a value or an array of values for OptionalInt64OrList`);
  const room = BigInt(text);
  if (room > MOST_ROOM || room < LEAST_ROOM)
    throw new RoomError(`invalid value: integer \`${text}\`, expected a value or an array of values for OptionalInt64OrList`);
  return String(room);
}

/** The type of a JSON value in the words of the engine's parser. */
function nameOf(text: string): string {
  if (text.startsWith('"')) return `string ${text}`;
  if (text === 'true' || text === 'false') return `boolean \`${text}\``;
  if (text.startsWith('{')) return 'map';
  return text.startsWith('[') ? 'sequence' : `floating point \`${text}\``;
}

/** A room that is no number of 64 bits. */
export class RoomError extends EngineError {}
