/** Makes prompts and inputs of policies out of text, for tests and benchmarks. */
import type { Prompt, RouteInput } from '../../src/base/core/route-input.ts';

/**
 * A body in which `prompt` lies in pieces, cut at the given offsets (those beyond it are ignored), with other bytes
 * around every piece. Without cuts it is one range.
 */
export function promptOf(prompt: string | Buffer, cuts: readonly number[] = []): Prompt {
  const bytes = typeof prompt === 'string' ? Buffer.from(prompt) : prompt;
  const edges = [0, ...cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b), bytes.length];
  const parts: Buffer[] = [];
  const ranges: number[] = [];
  let at = 0;
  for (let i = 0; i + 1 < edges.length; i++) {
    const piece = bytes.subarray(edges[i], edges[i + 1]);
    const gap = Buffer.from('#'.repeat(3 + i));
    parts.push(gap, piece);
    ranges.push(at + gap.length, at + gap.length + piece.length);
    at += gap.length + piece.length;
  }
  return { body: Buffer.concat(parts), ranges: Int32Array.from(ranges), rangeCount: ranges.length / 2 };
}

/** What a policy sees of a request that has this prompt. */
export function inputOf(prompt: Prompt, headers: RouteInput['headers'] = [], nowMs = 0): RouteInput {
  return { prompt, headers, nowMs };
}
