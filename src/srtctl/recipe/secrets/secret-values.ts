/** Which values are secret: those of keys that look it, and those tagged `!secret`. */
import type { ScalarTree, Tree } from '../text/tree.ts';

const SECRET_WORDS = new Set([
  'password',
  'passwd',
  'passphrase',
  'secret',
  'secrets',
  'credential',
  'credentials',
  'apikey',
  'apikeys',
  'bearer',
  'authorization',
]);
/** `token` and `key` at the end mean a secret, unless the word before says what kind of token or key it is. */
const HARMLESS_TOKEN = new Set([
  'max',
  'min',
  'num',
  'eos',
  'bos',
  'pad',
  'special',
  'mask',
  'stop',
  'unk',
  'image',
  'per',
  'time',
  'first',
  'think',
  'end',
]);
const HARMLESS_KEY = new Set(['', 'public', 'cache', 'primary', 'foreign', 'sort', 'partition', 'routing', 'hash', 'pub']);
const KEY_ADJECTIVES = new Set(['api', 'access', 'private', 'secret', 'auth', 'signing', 'encryption', 'license']);

/** `HF_TOKEN`, `api-key`, `wandbApiKey`, `AWS_SECRET_ACCESS_KEY`; not `max_tokens`, `tokenizer-path`, `public_key`. */
export function looksSecret(key: string): boolean {
  const words = key
    .slice(0, 256)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  const last = words.at(-1);
  const before = words.at(-2) ?? '';
  if (last === 'file' || last === 'path' || last === 'dir' || last === 'header' || last === 'name') return false;
  if (words.some((word) => SECRET_WORDS.has(word))) return true;
  // A personal access token: GITHUB_PAT.
  if (last === 'pat') return true;
  if (last === 'token' && !HARMLESS_TOKEN.has(before)) return true;
  if ((last === 'key' || last === 'keys') && (last === 'key' ? !HARMLESS_KEY.has(before) : KEY_ADJECTIVES.has(before))) return true;
  return words.some((word, at) => word === 'key' && KEY_ADJECTIVES.has(words[at - 1] ?? ''));
}

/** The scalars of a tree that are secret. Numbers and switches below a key that looks secret count, too, if they are tagged. */
export function secretScalars(tree: Tree, within: 'no' | 'key' | 'tag' = 'no'): ScalarTree[] {
  const here = tree.secret ? 'tag' : within;
  if (tree.kind === 'list') return tree.items.flatMap((item) => secretScalars(item, here));
  if (tree.kind === 'map') {
    return [...tree.entries].flatMap(([key, { value }]) => secretScalars(value, here === 'no' && looksSecret(key) ? 'key' : here));
  }
  if (here === 'no' || tree.text === '' || tree.value === null) return [];
  return here === 'tag' || typeof tree.value !== 'boolean' ? [tree] : [];
}

export function secretValues(tree: Tree): string[] {
  return [...new Set(secretScalars(tree).map(({ text }) => text))];
}
