/**
 * Traffic as a file: one JSON object a line. Lines that the simulator writes, and recordings of production:
 *
 *   {"at":0,"turns":[{"after":0,"pieces":[[7,4500],[12,220]],"answer":180}, ...]}     a conversation: seeds and sizes in tokens, ms
 *   {"at":60000,"leave":3}                                                            worker 3 leaves
 *   {"at":90000,"join":true}                                                          a cold worker joins
 *   {"timestamp":27482,"input_length":6955,"output_length":52,"hash_ids":[46,47,...]} a request of a Mooncake trace (blocks of 512 tokens)
 */
import type { Conversation, FleetChange, Piece, Traffic } from './traffic.ts';

const MOONCAKE_BLOCK = 512;
/** More than any model takes: a larger number is a mistake. */
const MOST_TOKENS = 10_000_000;

/** Throws an Error that names the line. */
export function parseTraffic(name: string, text: string): Traffic {
  const conversations: Conversation[] = [];
  const changes: FleetChange[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const read = readLine(line);
    if (typeof read === 'string') throw new Error(`${name}:${i + 1}: ${read}`);
    if ('what' in read) changes.push(read);
    else conversations.push(read);
  }
  if (conversations.length === 0) throw new Error(`${name}: no request in it`);
  return { name, conversations: conversations.sort((a, b) => a.atMs - b.atMs), changes };
}

export function formatTraffic({ conversations, changes }: Traffic): string {
  const lines = conversations.map(({ atMs, turns }) => ({
    at: Math.round(atMs),
    turns: turns.map(({ afterMs, pieces, answerTokens }) => ({
      after: Math.round(afterMs),
      pieces: pieces.map(({ seed, tokens }) => [seed, tokens]),
      answer: answerTokens,
    })),
  }));
  const events = changes.map((change) =>
    change.what === 'leave' ? { at: Math.round(change.atMs), leave: change.worker } : { at: Math.round(change.atMs), join: true },
  );
  return [...lines, ...events].map((line) => `${JSON.stringify(line)}\n`).join('');
}

function readLine(line: string): Conversation | FleetChange | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'not JSON';
  }
  if (typeof value !== 'object' || value === null) return 'expected an object';
  const entry = new Map<string, unknown>(Object.entries(value));
  if (entry.has('hash_ids')) return readMooncake(entry);
  const atMs = countOf(entry.get('at'), Number.MAX_SAFE_INTEGER);
  if (atMs === null) return '"at": expected milliseconds';
  if (entry.has('leave')) {
    const worker = countOf(entry.get('leave'), 1e6);
    return worker === null ? '"leave": expected the number of a worker' : { atMs, what: 'leave', worker };
  }
  if (entry.has('join')) return { atMs, what: 'join' };
  const turns = entry.get('turns');
  if (!Array.isArray(turns) || turns.length === 0) return '"turns": expected a list of turns';
  const read = turns.map(readTurn);
  const problem = read.find((turn) => typeof turn === 'string');
  return problem ?? { atMs, turns: read.filter((turn) => typeof turn !== 'string') };
}

function readTurn(value: unknown): Conversation['turns'][number] | string {
  if (typeof value !== 'object' || value === null) return '"turns": expected objects';
  const turn = new Map<string, unknown>(Object.entries(value));
  const afterMs = countOf(turn.get('after') ?? 0, Number.MAX_SAFE_INTEGER);
  const answerTokens = countOf(turn.get('answer'), MOST_TOKENS);
  const listed = turn.get('pieces');
  if (afterMs === null) return '"after": expected milliseconds';
  if (answerTokens === null) return '"answer": expected a number of tokens';
  if (!Array.isArray(listed)) return '"pieces": expected a list of [seed, tokens]';
  const pieces: Piece[] = [];
  for (const each of listed) {
    const [seed, tokens] = Array.isArray(each) ? [countOf(each[0], 2 ** 53), countOf(each[1], MOST_TOKENS)] : [null, null];
    if (seed === null || tokens === null) return '"pieces": expected a list of [seed, tokens]';
    pieces.push({ seed, tokens });
  }
  return { afterMs, pieces, answerTokens };
}

function readMooncake(entry: ReadonlyMap<string, unknown>): Conversation | string {
  const atMs = countOf(entry.get('timestamp'), Number.MAX_SAFE_INTEGER);
  const inputTokens = countOf(entry.get('input_length'), MOST_TOKENS);
  const answerTokens = countOf(entry.get('output_length'), MOST_TOKENS);
  const ids = entry.get('hash_ids');
  if (atMs === null || inputTokens === null || answerTokens === null || !Array.isArray(ids))
    return 'expected "timestamp", "input_length", "output_length" and "hash_ids"';
  const pieces: Piece[] = [];
  for (let at = 0, i = 0; at < inputTokens && i < ids.length; at += MOONCAKE_BLOCK, i++) {
    const seed = countOf(ids[i], 2 ** 53);
    if (seed === null) return '"hash_ids": expected numbers';
    pieces.push({ seed: seed + 1, tokens: Math.min(MOONCAKE_BLOCK, inputTokens - at) });
  }
  return { atMs, turns: [{ afterMs: 0, pieces, answerTokens }] };
}

function countOf(value: unknown, most: number): number | null {
  return typeof value === 'number' && value >= 0 && value <= most ? value : null;
}
