/** Small damage to a message: the kind that makes two parsers disagree. */
import type { Rng } from '../../../src/base/core/rng.ts';
import { chance, pick } from './pick.ts';

const SPECIAL = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  '\x0b',
  '\x0c',
  ':',
  ';',
  ',',
  '"',
  '0',
  'f',
  'A',
  '%',
  '#',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
];

/** One to three changes, near line ends and colons more often than elsewhere. */
export function mutate(rng: Rng, text: string): string {
  let out = text;
  for (let n = 1 + rng.below(3); n > 0; n -= 1) out = change(rng, out);
  return out;
}

function change(rng: Rng, text: string): string {
  if (text.length === 0) return pick(rng, SPECIAL);
  const at = place(rng, text);
  const to = at + 1 + rng.below(4);
  switch (rng.below(8)) {
    case 0:
    case 1:
      return text.slice(0, at) + pick(rng, SPECIAL) + text.slice(at);
    case 2:
      return text.slice(0, at) + pick(rng, SPECIAL) + text.slice(at + 1);
    case 3:
      return text.slice(0, at) + text.slice(to);
    case 4:
      return text.slice(0, to) + text.slice(at);
    case 5:
      return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << rng.below(8))) + text.slice(at + 1);
    case 6:
      return repeatLine(rng, text);
    default:
      return chance(rng, 30) ? text.slice(0, at) : text.slice(0, at) + swapCase(text.charAt(at)) + text.slice(at + 1);
  }
}

function place(rng: Rng, text: string): number {
  if (chance(rng, 40)) return rng.below(text.length);
  const from = rng.below(text.length);
  const found = text.indexOf(pick(rng, ['\r', '\n', ':', ' ', '0\r\n']), from);
  return found < 0 ? from : Math.max(0, Math.min(text.length - 1, found + rng.below(3) - 1));
}

/** Copies one line to another place. */
function repeatLine(rng: Rng, text: string): string {
  const lines = text.split('\r\n');
  const line = pick(rng, lines);
  lines.splice(rng.below(lines.length + 1), 0, line);
  return lines.join('\r\n');
}

function swapCase(char: string): string {
  return char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase();
}
