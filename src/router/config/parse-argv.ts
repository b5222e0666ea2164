/**
 * Words of a command line to occurrences of flags. Two dialects in one: the first version's (`--worker-urls a,b`) and
 * Python argparse's (`--worker-urls a b`, unambiguous abbreviations, negative numbers as values). Nothing is judged here but
 * which word belongs to which flag; values are cut and checked by their shape.
 */

import { nearest } from '../../base/config/suggest.ts';
import { type Entry, FLAGS, type FlagMeaning } from './catalogue.ts';
import { type Problem, shown } from './problem.ts';

export interface Occurrences {
  readonly entry: Entry;
  /** Words after each occurrence, in order. */
  readonly words: (readonly string[])[];
}

export interface ParsedArgv {
  /** By key. */
  readonly given: ReadonlyMap<string, Occurrences>;
  readonly help: boolean;
  readonly version: boolean;
  readonly problems: readonly Problem[];
}

const HELP = new Set(['-h', '--help']);
const VERSION = new Set(['-V', '--version', '--version-verbose']);
const FLAG_NAMES: readonly string[] = [...FLAGS.keys(), ...HELP, ...VERSION].filter((flag) => flag.startsWith('--'));
const SOURCE = 'command line';

/** `argv` without the program's name. */
export function parseArgv(argv: readonly string[]): ParsedArgv {
  // The successor's programs start with a sub-command.
  const words = argv[0] === 'launch' || argv[0] === 'start' ? argv.slice(1) : argv;
  return new Parse(words).run();
}

/** What one word is, as argparse sees it. */
type Word =
  | { readonly kind: 'value' }
  | { readonly kind: 'help' | 'version' }
  | { readonly kind: 'flag'; readonly meaning: FlagMeaning; readonly attached: string | null }
  | { readonly kind: 'bad'; readonly flag: string; readonly expected: string };

const VALUE: Word = { kind: 'value' };

class Parse {
  readonly #words: readonly string[];
  readonly #given = new Map<string, Occurrences>();
  readonly #problems: Problem[] = [];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  run(): ParsedArgv {
    let help = false;
    let version = false;
    while (this.#at < this.#words.length) {
      const text = this.#words[this.#at++]!;
      const word: Word = text === '--' ? VALUE : classify(text);
      if (word.kind === 'help') help = true;
      else if (word.kind === 'version') version = true;
      else if (word.kind === 'flag') this.#takeFlag(word.meaning, word.attached);
      else if (word.kind === 'bad') {
        this.#problem(word.flag, null, word.expected);
        // What follows was meant for that flag; one complaint is enough.
        this.#takeValues(Number.POSITIVE_INFINITY);
      } else if (text === '--') {
        for (const rest of this.#words.slice(this.#at)) this.#stray(rest);
        this.#at = this.#words.length;
      } else this.#stray(text);
    }
    return { given: this.#given, help, version, problems: this.#problems };
  }

  #takeFlag(meaning: FlagMeaning, attached: string | null): void {
    const { entry, flag } = meaning;
    const { arity } = entry.setting.shape;
    if (meaning.value !== null) {
      if (attached === null) this.#give(entry, [meaning.value]);
      else this.#problem(flag, entry.setting.built ? shown(attached) : null, 'no value');
      return;
    }
    if (attached !== null) {
      this.#give(entry, [attached]);
      return;
    }
    if (arity === 'none') {
      this.#give(entry, []);
      return;
    }
    const values = this.#takeValues(arity === 'one' || arity === 'each' ? 1 : Number.POSITIVE_INFINITY);
    if (values.length === 0 && arity !== 'any') this.#problem(flag, null, `a value: ${entry.setting.shape.expected}`);
    else this.#give(entry, values);
  }

  /** The next words that are values, at most `limit`. */
  #takeValues(limit: number): string[] {
    const values: string[] = [];
    while (values.length < limit && this.#at < this.#words.length) {
      const text = this.#words[this.#at]!;
      if (text === '--' || classify(text).kind !== 'value') break;
      values.push(text);
      this.#at++;
    }
    return values;
  }

  #give(entry: Entry, words: readonly string[]): void {
    const before = this.#given.get(entry.key);
    if (before === undefined) this.#given.set(entry.key, { entry, words: [words] });
    else before.words.push(words);
  }

  #stray(text: string): void {
    const isUrl = /^[a-z]+:\/\//i.test(text);
    this.#problem(shown(text), null, isUrl ? 'a flag; give the URLs of workers after --worker-urls' : 'a flag, which starts with --');
  }

  #problem(flag: string, value: string | null, expected: string): void {
    this.#problems.push({ flag, value, expected, source: SOURCE });
  }
}

/** The order of these rules is that of argparse's `_parse_optional`. */
function classify(text: string): Word {
  if (!text.startsWith('-') || text === '-') return VALUE;
  if (HELP.has(text)) return { kind: 'help' };
  if (VERSION.has(text)) return { kind: 'version' };
  const equals = text.indexOf('=');
  const name = equals === -1 ? text : text.slice(0, equals);
  const attached = equals === -1 ? null : text.slice(equals + 1);
  const exact = FLAGS.get(name);
  if (exact !== undefined) return { kind: 'flag', meaning: exact, attached };
  if (name.startsWith('--') && name.length > 2) {
    const word = abbreviated(name, attached);
    if (word !== null) return word;
  }
  // A negative number, or a text with a space in it, is a value even though it starts with a dash.
  if (/^-(?:\d+|\d*\.\d+)$/.test(text) || text.includes(' ')) return VALUE;
  const suggestion = nearest(name, FLAG_NAMES);
  const hint = suggestion === null ? 'a known flag' : `a known flag; did you mean ${suggestion}?`;
  return { kind: 'bad', flag: shown(name), expected: hint };
}

/** A flag by its beginning. What abbreviates one flag of sglang_router 0.3.2 goes on doing so, whatever flags exist besides. */
function abbreviated(name: string, attached: string | null): Word | null {
  const candidates = FLAG_NAMES.filter((flag) => flag.startsWith(name));
  if (candidates.length === 0) return null;
  const old = candidates.filter(isOld);
  const matching = old.length > 0 ? old : candidates;
  if (matching.length > 1 && !meanTheSame(matching))
    return { kind: 'bad', flag: name, expected: `one flag; it could be ${matching.join(', ')}` };
  const flag = matching[0]!;
  if (HELP.has(flag)) return { kind: 'help' };
  if (VERSION.has(flag)) return { kind: 'version' };
  return { kind: 'flag', meaning: FLAGS.get(flag)!, attached };
}

/** True for flags of sglang_router 0.3.2 by their own names; the first version's are among them. */
function isOld(flag: string): boolean {
  const meaning = FLAGS.get(flag);
  if (meaning === undefined) return HELP.has(flag);
  return meaning.flag === meaning.entry.flag && ['seed', '0.3.2'].includes(meaning.entry.setting.origin);
}

function meanTheSame(flags: readonly string[]): boolean {
  const meanings = flags.map((flag) => FLAGS.get(flag));
  const first = meanings[0];
  return first !== undefined && meanings.every((meaning) => meaning?.entry === first.entry && meaning.value === first.value);
}
