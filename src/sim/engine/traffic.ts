/** What one engine has received, for tests and for judging routing: requests by path, and cache hits by prompt prefix. */
import type { Generation } from '../scheduling/generation.ts';

/** First tokens of a prompt that identify its group. */
const PREFIX_TOKENS = 64;
const MOST_PREFIXES = 1000;
const MOST_PATHS = 100;

export interface PrefixGroup {
  requests: number;
  promptTokens: number;
  cachedTokens: number;
}

export class Traffic {
  /** Requests by path, control and admin paths included. Paths beyond the first hundred count as `other`. */
  readonly requests: Map<string, number> = new Map();
  readonly responses: Map<number, number> = new Map();
  /** By a hash of the first tokens of the prompt; the least recently seen are dropped first. */
  readonly prefixes: Map<string, PrefixGroup> = new Map();
  active = 0;
  /** Requests whose client left before the end. */
  disconnects = 0;

  saw(path: string): void {
    const name = this.requests.has(path) || this.requests.size < MOST_PATHS ? path : 'other';
    this.requests.set(name, (this.requests.get(name) ?? 0) + 1);
    this.active++;
  }

  answered(status: number): void {
    this.responses.set(status, (this.responses.get(status) ?? 0) + 1);
    this.active--;
  }

  generationEnded(generation: Generation): void {
    const key = prefixKey(generation.spec.prompt);
    const group = this.prefixes.get(key) ?? { requests: 0, promptTokens: 0, cachedTokens: 0 };
    group.requests++;
    group.promptTokens += generation.promptTokens;
    group.cachedTokens += generation.cachedTokens;
    this.prefixes.delete(key);
    this.prefixes.set(key, group);
    if (this.prefixes.size <= MOST_PREFIXES) return;
    for (const oldest of this.prefixes.keys()) {
      this.prefixes.delete(oldest);
      return;
    }
  }
}

/** FNV-1a of the first tokens, eight hex digits. */
export function prefixKey(tokens: Uint16Array): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < Math.min(PREFIX_TOKENS, tokens.length); i++) hash = Math.imul(hash ^ tokens[i]!, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
