/** Generators of traffic, one for each kind of use that routing meets. The same seed gives the same traffic. */
import type { Draws } from './draws.ts';
import type { Conversation, FleetChange, Piece, Traffic, Turn } from './traffic.ts';

export interface TrafficSize {
  readonly seconds: number;
  /** Workers at the start; rates follow it, so the load of a worker stays the same. */
  readonly workers: number;
  /** Factor of all rates. */
  readonly load: number;
}

export interface TrafficKind {
  readonly name: string;
  readonly what: string;
  generate(draws: Draws, size: TrafficSize): Omit<Traffic, 'name'>;
}

const NO_CHANGES: readonly FleetChange[] = [];
/** Words of a client that nobody else has. */
const own = (draws: Draws, tokens: number): Piece => ({ seed: draws.seed(), tokens });
const rate = (perWorker: number, { workers, load }: TrafficSize): number => perWorker * workers * load;

function single(atMs: number, pieces: readonly Piece[], answerTokens: number): Conversation {
  return { atMs, turns: [{ afterMs: 0, pieces, answerTokens }] };
}

/** People talk to a model: each turn contains what was said before, and follows when the answer has been read. */
function chat(draws: Draws, atMs: number, instructions: readonly Piece[]): Conversation {
  const turns: Turn[] = [];
  const count = 1 + Math.floor(draws.exponential(5));
  for (let i = 0; i < count; i++) {
    // Now and then someone pastes a document.
    const words = draws.chance(0.05) ? draws.lognormal(7000, 0.5, 1000, 24_000) : draws.lognormal(420, 0.9, 10, 4000);
    const pieces = i === 0 ? [...instructions, own(draws, words)] : [own(draws, words)];
    turns.push({
      afterMs: i === 0 ? 0 : 1000 * draws.lognormal(12, 0.8, 2, 120),
      pieces,
      answerTokens: draws.lognormal(220, 0.7, 8, 1500),
    });
  }
  return { atMs, turns };
}

const chatSessions: TrafficKind = {
  name: 'chat',
  what: 'chat sessions of several turns, a long document now and then',
  generate(draws, size) {
    const starts = draws.arrivals(rate(0.23, size), size.seconds);
    return { conversations: starts.map((at) => chat(draws, at, [own(draws, 300)])), changes: NO_CHANGES };
  },
};

/** Applications with long instructions of their own, some used much more than others. */
function applications(draws: Draws, count: number): readonly Piece[] {
  return Array.from({ length: count }, () => own(draws, draws.lognormal(4500, 0.5, 1200, 14_000)));
}

function applicationRequest(draws: Draws, atMs: number, known: readonly Piece[]): Conversation {
  const instructions = known[draws.zipf(known.length, 0.9)]!;
  return single(atMs, [instructions, own(draws, draws.lognormal(1100, 0.9, 40, 12_000))], draws.lognormal(180, 0.7, 8, 1200));
}

const systemPrompts: TrafficKind = {
  name: 'system-prompts',
  what: 'sixty applications with long system prompts, a question behind each',
  generate(draws, size) {
    const known = applications(draws, 60);
    const starts = draws.arrivals(rate(2.35, size), size.seconds);
    return { conversations: starts.map((at) => applicationRequest(draws, at, known)), changes: NO_CHANGES };
  },
};

const agents: TrafficKind = {
  name: 'agents',
  what: 'agents behind one preamble of tools; each turn brings the result of a tool',
  generate(draws, size) {
    const preamble = own(draws, 9000);
    const conversations = draws.arrivals(rate(0.085, size), size.seconds).map((atMs): Conversation => {
      const turns: Turn[] = [];
      const count = 4 + Math.floor(draws.exponential(9));
      for (let i = 0; i < count; i++) {
        const result = own(draws, draws.chance(0.05) ? draws.lognormal(7000, 0.5, 3000, 20_000) : draws.lognormal(500, 1, 30, 6000));
        turns.push({
          afterMs: i === 0 ? 0 : draws.lognormal(900, 1, 50, 20_000),
          pieces: i === 0 ? [preamble, result] : [result],
          answerTokens: draws.lognormal(110, 0.7, 10, 900),
        });
      }
      return { atMs, turns };
    });
    return { conversations, changes: NO_CHANGES };
  },
};

const hotPrefix: TrafficKind = {
  name: 'hot-prefix',
  what: 'one prefix that most requests share, and many prompts of strangers',
  generate(draws, size) {
    const hot = own(draws, 6000);
    const conversations = draws.arrivals(rate(2.05, size), size.seconds).map((at) => {
      const isHot = draws.chance(0.62);
      const pieces = isHot ? [hot, own(draws, draws.lognormal(700, 0.9, 30, 6000))] : [own(draws, draws.lognormal(3000, 1, 200, 40_000))];
      return single(at, pieces, draws.lognormal(200, 0.7, 8, 1200));
    });
    return { conversations, changes: NO_CHANGES };
  },
};

const unshared: TrafficKind = {
  name: 'unshared',
  what: 'prompts that have nothing in common, most short, some very long',
  generate(draws, size) {
    const starts = draws.arrivals(rate(1.25, size), size.seconds);
    const conversations = starts.map((at) =>
      single(at, [own(draws, draws.lognormal(2300, 1.2, 30, 60_000))], draws.lognormal(230, 0.9, 8, 2000)),
    );
    return { conversations, changes: NO_CHANGES };
  },
};

const changing: TrafficKind = {
  name: 'changing-fleet',
  what: 'half chat, half system prompts; a worker leaves, later a cold one joins',
  generate(draws, size) {
    const known = applications(draws, 40);
    const chats = draws.arrivals(rate(0.12, size), size.seconds).map((at) => chat(draws, at, [own(draws, 300)]));
    const asked = draws.arrivals(rate(1.35, size), size.seconds).map((at) => applicationRequest(draws, at, known));
    const conversations = [...chats, ...asked].sort((a, b) => a.atMs - b.atMs);
    const leaving = draws.between(0, size.workers - 1);
    const changes: FleetChange[] = [
      { atMs: size.seconds * 350, what: 'leave', worker: leaving },
      { atMs: size.seconds * 650, what: 'join' },
    ];
    return { conversations, changes: size.workers > 1 ? changes : NO_CHANGES };
  },
};

const bursts: TrafficKind = {
  name: 'bursts',
  what: 'bursts of long inputs, most of whose blocks are used once',
  generate(draws, size) {
    const sources = Array.from({ length: 150 }, () => own(draws, draws.lognormal(8000, 0.6, 1500, 30_000)));
    const conversations: Conversation[] = [];
    for (const burst of draws.arrivals(rate(0.036, size), size.seconds)) {
      const many = 1 + Math.floor(draws.exponential(14));
      for (let i = 0; i < many; i++) {
        const pieces = [sources[draws.zipf(sources.length, 1)]!, own(draws, draws.lognormal(3000, 1.1, 100, 50_000))];
        const atMs = burst + draws.exponential(2500);
        conversations.push(single(atMs, pieces, draws.lognormal(250, 0.8, 8, 2000)));
      }
    }
    return { conversations: conversations.sort((a, b) => a.atMs - b.atMs), changes: NO_CHANGES };
  },
};

export const TRAFFIC_KINDS: readonly TrafficKind[] = [chatSessions, systemPrompts, agents, hotPrefix, unshared, changing, bursts];
