/**
 * Puts members into the outermost object of a request body, and takes members out, by copying bytes: nothing is parsed or
 * written anew, so numbers, spellings, order and white space of everything else stay as the client sent them.
 *
 *   body:    {  "a": 1.0 , "bootstrap_room": 7 ,  "b":2}
 *   spliced: {"bootstrap_room":4,  "a": 1.0  ,  "b":2}       (a cut takes the comma before it, and the space between them)
 */
import type { MemberRecord } from '../../wire/json/member-record.ts';

/** What splicing a body takes, worked out once for all attempts and both legs. Offsets into the buffer of the body. */
export interface BodySplice {
  readonly start: number;
  /** After the opening brace: here the new members go in. */
  readonly insertAt: number;
  readonly end: number;
  /** from,to pairs that are left out: ascending, disjoint, after insertAt. Empty for most bodies. */
  readonly cuts: readonly number[];
  /** Bytes in all cuts. */
  readonly cutBytes: number;
  /** Between the new members and what follows: a comma unless nothing follows, or something that begins with one. */
  readonly separator: ',' | '';
}

const NO_CUTS: readonly number[] = [];

/**
 * `record` is of a scan of `[start, end)` that was `ok` and of an object; `replaced` has bit `1 << field` for each field
 * that the client may not set itself: all its members go, repetitions and escaped spellings included.
 */
export function planSplice(record: MemberRecord, start: number, end: number, replaced: number): BodySplice {
  const { insertAt, count } = record;
  let cuts: number[] | null = null;
  let cutBytes = 0;
  let isFirstCut = false;
  for (let entry = 0; entry < count; entry++) {
    if (((replaced >> record.field(entry)) & 1) === 0) continue;
    if (entry === 0) isFirstCut = record.startsWithEntry;
    const from = record.cutFrom(entry);
    const to = record.valueEnd(entry);
    cuts ??= [];
    cuts.push(from, to);
    cutBytes += to - from;
  }
  return { start, insertAt, end, cuts: cuts ?? NO_CUTS, cutBytes, separator: record.memberCount === 0 || isFirstCut ? '' : ',' };
}

/** Length of the body with `members` (ASCII) in it. */
export function splicedBytes(splice: BodySplice, members: string): number {
  return splice.end - splice.start - splice.cutBytes + members.length + splice.separator.length;
}

/**
 * Writes the spliced body into `target` at `at`; answers the offset after it. `source` is the buffer that was scanned;
 * `members` is ASCII, one JSON member or more with commas between them: `"a":1,"b":2`. The body is copied once.
 */
export function writeSpliced(splice: BodySplice, source: Buffer, members: string, target: Buffer, at: number): number {
  let to = at + source.copy(target, at, splice.start, splice.insertAt);
  to += target.write(members, to, 'latin1');
  if (splice.separator !== '') target[to++] = 0x2c;
  let from = splice.insertAt;
  const { cuts } = splice;
  for (let i = 0; i < cuts.length; i += 2) {
    to += source.copy(target, to, from, cuts[i]!);
    from = cuts[i + 1]!;
  }
  return to + source.copy(target, to, from, splice.end);
}
