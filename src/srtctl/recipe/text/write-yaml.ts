/** Tree -> YAML that reads back as the same tree. Numbers look as they were written. */
import { isEmpty, type Tree } from './tree.ts';

/** Words that are no text in YAML 1.2, or were none in older YAML, and everything with a meaning of its own. */
const PLAIN = /^[A-Za-z/][A-Za-z0-9_./-]*$/;
const NO_TEXT = /^(true|false|null|yes|no|on|off|y|n)$/i;

/** Ends in a newline. `mask` may replace texts, such as those of secrets. */
export function writeYaml(tree: Tree, mask: (text: string) => string = (text) => text): string {
  return `${tree.kind === 'scalar' || isEmpty(tree) ? inline(tree, mask) : lines(tree, mask).join('\n')}\n`;
}

function lines(tree: Tree, mask: (text: string) => string): string[] {
  if (tree.kind === 'list') return tree.items.flatMap((item) => under('-', item, mask, '  '));
  if (tree.kind === 'scalar') return [inline(tree, mask)];
  return [...tree.entries].flatMap(([key, { value }]) => under(`${word(key)}:`, value, mask, '  '));
}

/** One entry: on the line of its mark, or indented below it. */
function under(mark: string, value: Tree, mask: (text: string) => string, indent: string): string[] {
  const tag = value.secret ? ' !secret' : '';
  if (value.kind === 'scalar' || isEmpty(value)) return [`${mark}${tag} ${inline(value, mask)}`];
  return [`${mark}${tag}`, ...lines(value, mask).map((line) => indent + line)];
}

function inline(tree: Tree, mask: (text: string) => string): string {
  if (tree.kind === 'map') return '{}';
  if (tree.kind === 'list') return '[]';
  const { value, text } = tree;
  const masked = mask(text);
  if (typeof value === 'string' || masked !== text) return word(masked);
  if (value === null) return 'null';
  return text;
}

/** In the quotes of JSON, which are YAML's double quotes, unless it needs none. */
function word(text: string): string {
  if (PLAIN.test(text) && !NO_TEXT.test(text)) return text;
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
