/** The text of --help. */

import { type Dialect, defaultOf, GROUPS, type Setting } from '../setting/setting.ts';
import { BUILT, type Entry, KNOWN } from './catalogue.ts';
import { mayBeRefused } from './known-setting.ts';

const WIDTH = 120;
/** Stands for a space at which no line breaks. */
const UNBROKEN = '\u00a0';
/** Flags longer than this get a line of their own. */
const FLAG_COLUMNS = 36;

export function helpText(dialect: Dialect): string {
  const parts = ['Usage: router [OPTIONS]\n'];
  for (const [group, title] of Object.entries(GROUPS)) {
    const rows = BUILT.flatMap((entry) =>
      entry.setting.built && entry.setting.group === group ? [row(entry, entry.setting, dialect)] : [],
    );
    if (group === 'main') rows.push(...COMMON);
    parts.push(`${title}:\n${rows.map(([flag, about]) => layOut(flag, about)).join('')}`);
  }
  parts.push(
    'Every option can also be given as an environment variable (--worker-urls: SGLANG_ROUTER_WORKER_URLS) or in the file of\n' +
      '--config (worker-urls: [...]). Flags go before the environment, the environment before the file.\n',
  );
  parts.push(`Known from sglang_router 0.3.2, not available in this version yet:\n${wrap(knownFlags(), 2, WIDTH)}`);
  return parts.join('\n');
}

const COMMON: readonly (readonly [string, string])[] = [
  ['  -h, --help', 'Print help'],
  ['  -V, --version', 'Print version'],
];

function row({ flag }: Entry, setting: Setting<unknown>, dialect: Dialect): readonly [string, string] {
  const { shape } = setting;
  const notes = [defaultNote(setting, dialect), shape.choices === null ? '' : `[possible values: ${shape.choices.join(', ')}]`];
  const value = shape.placeholder === '' ? '' : ` <${shape.placeholder}>${shape.collects ? '...' : ''}`;
  return [`      ${flag}${value}`, [setting.describe, ...notes].filter((part) => part !== '').join(' ')];
}

function defaultNote(setting: Setting<unknown>, dialect: Dialect): string {
  if (setting.shape.arity === 'none') return '';
  const text = defaultText(setting, dialect);
  return text === '' ? '' : `[default: ${text}]`.replaceAll(' ', UNBROKEN);
}

/** The default as people read it; '' if there is nothing to say. */
export function defaultText(setting: Setting<unknown>, dialect: Dialect): string {
  if (setting.sameAs !== undefined) return `the value of --${setting.sameAs}`;
  const value = defaultOf(setting, dialect);
  if (setting.whenUnset !== undefined && (value === null || value === '')) return setting.whenUnset;
  if (Array.isArray(value)) return value.join(',');
  return value === null ? '' : String(value);
}

/** Names only. Those of smg are in docs/configuration.md. */
function knownFlags(): string {
  return KNOWN.filter(({ setting }) => !setting.built && setting.origin === '0.3.2' && mayBeRefused(setting))
    .map(({ flag }) => flag)
    .sort()
    .join(' ');
}

function layOut(flag: string, about: string): string {
  const text = wrap(about, FLAG_COLUMNS, WIDTH);
  return flag.length + 2 > FLAG_COLUMNS ? `${flag}\n${text}` : flag + text.slice(flag.length);
}

/** Breaks at spaces; every line is indented. */
function wrap(text: string, indent: number, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return `${[...lines, line].map((each) => ' '.repeat(indent) + each).join('\n')}\n`.replaceAll(UNBROKEN, ' ');
}
