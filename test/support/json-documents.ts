/** Test support: fast-check arbitraries for JSON text with everything that the grammar allows, request fields included. */
import fc from 'fast-check';

const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r', '  ');

/** Characters of a string as JSON source: plain, each kind of escape, runs of backslashes. */
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'tool', ' ', '{', '}', '[', ']', ':', ',', 'é', '模型', '😀', '/', '0') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('\\n', '\\"', '\\\\', '\\\\\\"', '\\/', '\\t', '\\u0022', '\\u005c', '\\ud83d\\ude00', '\\uD800'),
  },
  { weight: 1, arbitrary: fc.constantFrom('a long word or two ', 'x'.repeat(40), '\\"'.repeat(9), '\\\\'.repeat(11)) },
);

/** Contents of a JSON string as source text, without the quotes. */
export const stringSource: fc.Arbitrary<string> = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));

const numberSource = fc.constantFrom('0', '-0', '1', '-12', '3.25', '1e9', '2E-7', '0.1e+3', '12345678901234567890', '9007199254740993');
const literalSource = fc.constantFrom('true', 'false', 'null');

/** Any JSON value as source text. */
export const valueSource: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.oneof(
      stringSource.map((contents) => `"${contents}"`),
      numberSource,
      literalSource,
    ),
    fc
      .tuple(space, fc.array(fc.tuple(space, tie('value'), space), { maxLength: 4 }))
      .map(([inner, items]) => `[${items.length === 0 ? inner : items.map((parts) => parts.join('')).join(',')}]`),
    fc
      .tuple(space, fc.array(fc.tuple(space, stringSource, space, space, tie('value'), space), { maxLength: 4 }))
      .map(
        ([inner, members]) =>
          `{${members.length === 0 ? inner : members.map(([a, key, b, c, value, d]) => `${a}"${key}"${b}:${c}${value}${d}`).join(',')}}`,
      ),
  ),
})).value;

/** A key written with `\u` escapes in place of the characters that `mask` picks. */
function escapeKey(key: string, mask: number): string {
  return [...key]
    .map((character, i) => {
      if (((mask >> i) & 1) === 0) return character;
      const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
      return `\\u${(mask & 1) === 1 ? hex : hex.toUpperCase()}`;
    })
    .join('');
}

const knownKey = fc.constantFrom('model', 'stream', 'messages', 'prompt', 'text', 'input_ids', 'input', 'instructions', 'system', 'query');
const keySource = fc.oneof(
  { weight: 6, arbitrary: knownKey },
  { weight: 2, arbitrary: fc.tuple(knownKey, fc.nat(1023)).map(([key, mask]) => escapeKey(key, mask)) },
  { weight: 1, arbitrary: fc.constantFrom('models', 'mode', 'Model', 'strea', 'stream ', 'temperature', '') },
  { weight: 1, arbitrary: stringSource },
);

const memberSource = fc.tuple(space, keySource, space, space, valueSource, space).chain(([a, key, b, c, value, d]) =>
  // Values that the fields usually have come up often enough to matter.
  fc
    .oneof(
      fc.constant(value),
      stringSource.map((contents) => `"${contents}"`),
      literalSource,
    )
    .map((chosen) => `${a}"${key}"${b}:${c}${chosen}${d}`),
);

/** A request body: an object in which known fields are likely, missing, repeated, of odd types, and in any order. */
export const requestSource: fc.Arbitrary<string> = fc
  .tuple(space, space, fc.array(memberSource, { maxLength: 8 }), space)
  .map(([before, inner, members, after]) => `${before}{${members.length === 0 ? inner : members.join(',')}}${after}`);
