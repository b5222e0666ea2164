// The Python package's table of flags, the fields of its RouterArgs and its version, from the settings schema.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ENTRIES } from '../../dist/router/config/catalogue.js';
import { defaultText } from '../../dist/router/config/help.js';
import { defaultOf, GROUPS } from '../../dist/router/setting/setting.js';
import {
  COMPATIBLE_WITH,
  ENVIRONMENT,
  FIELD_NAMES,
  FIELD_ORDER,
  FIELD_TYPES,
  FIELDS_WITHOUT_FLAG,
  NONE_BY_DEFAULT,
} from '../python/facts.mjs';

const PACKAGE = 'python/src/sglang_router';
const NOTE = '# Written by tools/generate.mjs from src/router/config. Do not edit.\n';
const LINE = 100;
const KINDS = { switch: 'switch', integer: 'int', number: 'float', 'list of numbers': 'float', 'list of statuses': 'int' };

/** A value as Python writes it. */
function python(value) {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return JSON.stringify(value);
  if (!Array.isArray(value)) return String(value);
  return `(${value.map(python).join(', ')}${value.length === 1 ? ',' : ''})`;
}

/** Flags of sglang_router 0.3.2 in the order of its fields, then all others. A configuration cannot hold what is about the command line. */
function entries() {
  const rank = ({ key }) => (FIELD_ORDER.includes(key) ? FIELD_ORDER.indexOf(key) : FIELD_ORDER.length);
  return ENTRIES.filter(({ key }) => key !== 'checkConfig')
    .map((entry, at) => ({ entry, at }))
    .sort((a, b) => rank(a.entry) - rank(b.entry) || a.at - b.at)
    .map(({ entry }) => entry);
}

const nameOf = (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const fieldOf = (key) => FIELD_NAMES[key] ?? nameOf(key);
/** With sameAs the router finds the value itself. */
const standardOf = ({ setting }) =>
  setting.built ? (setting.sameAs === undefined ? defaultOf(setting, 'launch_router') : null) : setting.default;

/** Words that are accepted, with the spellings of older programs; null: not a closed set. */
function words({ shape }) {
  if (shape.choices === null) return null;
  const { enum: accepted, items } = z.toJSONSchema(shape.schema, { io: 'input' });
  return accepted ?? items?.enum ?? shape.choices;
}

function about({ setting }) {
  if (!setting.built) {
    const { feature, instead, noEffect } = setting;
    return noEffect === undefined
      ? `${capital(feature)} not available in this version yet${instead === undefined ? '' : `; ${instead}`}`
      : capital(noEffect);
  }
  const standard = setting.shape.arity === 'none' ? '' : defaultText(setting, 'launch_router');
  const unit = setting.unit === undefined ? '' : `, in ${setting.unit}`;
  return `${setting.describe}${unit}${standard === '' ? '' : ` (default: ${standard})`}`;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function flagRow(entry) {
  const { key, flag, setting } = entry;
  const { shape } = setting;
  const parts = {
    name: nameOf(key),
    field: fieldOf(key),
    flag,
    aliases: (setting.aliases ?? []).map(({ flag, value }) => [flag, value ?? null]),
    kind: KINDS[shape.type] ?? 'str',
    words: shape.arity,
    joins: shape.type === 'list of URLs with bootstrap ports',
    default: standardOf(entry),
    choices: words(setting),
    metavar: shape.placeholder,
    group: setting.built ? GROUPS[setting.group] : 'Known, not available in this version yet',
    origin: setting.origin,
    built: setting.built,
    secret: setting.secret === true,
    environment: ENVIRONMENT[key] ?? null,
    help: about(entry),
  };
  const lines = Object.entries(parts).map(([name, value]) => `        ${name}=${python(value)},\n`);
  return `    Flag(\n${lines.join('')}    ),\n`;
}

function typeOf({ key, setting }) {
  if (FIELD_TYPES[key] !== undefined) return FIELD_TYPES[key];
  const { shape } = setting;
  const kind = { switch: 'bool', int: 'int', float: 'float', str: 'str' }[KINDS[shape.type] ?? 'str'];
  if (shape.type === 'list of URLs with bootstrap ports') return FIELD_TYPES.prefill;
  return shape.collects ? `List[${kind}]` : kind;
}

function fieldRow(entry) {
  const { key, setting } = entry;
  const type = typeOf(entry);
  const standard = standardOf(entry);
  const isNone = NONE_BY_DEFAULT.includes(key) || standard === null;
  const head = isNone ? `${fieldOf(key)}: Optional[${type}] = None` : `${fieldOf(key)}: ${type} = ${fieldDefault(type, standard)}`;
  const values = setting.shape.choices === null ? '' : ` One of ${setting.shape.choices.join(', ')}.`;
  return `    ${head}\n${docstring(`${about(entry)}.${values}`)}\n`;
}

function fieldDefault(type, standard) {
  if (type.startsWith('Dict')) return 'dataclasses.field(default_factory=dict)';
  if (!type.startsWith('List')) return python(standard);
  if (standard.length > 0) throw new Error(`a field with the default ${standard} needs a factory`);
  return 'dataclasses.field(default_factory=list)';
}

function docstring(text) {
  const lines = [];
  let line = '';
  for (const word of text.replaceAll('\\', '\\\\').split(' ')) {
    if (line !== '' && line.length + word.length + 8 > LINE) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return `    """${lines.join('\n    ')}"""`;
}

function flagsFile() {
  return `${NOTE}"""Every flag of the router, those that work and those that are only known."""

from typing import NamedTuple, Optional, Tuple, Union

Plain = Union[None, bool, int, float, str, Tuple[str, ...], Tuple[float, ...]]


class Flag(NamedTuple):
    """One flag: how it is written, what it means, and which field of RouterArgs holds it."""

    name: str
    """As argparse names it: \`\`worker_urls\`\`."""
    field: str
    """The field of RouterArgs; mostly the name."""
    flag: str
    """\`\`--worker-urls\`\`."""
    aliases: Tuple[Tuple[str, Optional[str]], ...]
    """Other flags for the same; with a value, the flag is a switch that stands for it."""
    kind: str
    """\`\`switch\`\`, \`\`int\`\`, \`\`float\`\` or \`\`str\`\`."""
    words: str
    """After each occurrence: \`\`none\`\`, \`\`one\`\`, \`\`each\`\` (one, occurrences collect), \`\`any\`\` number, \`\`some\`\`."""
    joins: bool
    """The words of one occurrence are one item: \`\`URL PORT\`\`."""
    default: Plain
    """Of launch_router; None: unset, or found by the router."""
    choices: Optional[Tuple[str, ...]]
    """Accepted words; None: no closed set."""
    metavar: str
    group: str
    origin: str
    """\`\`seed\`\`, \`\`0.3.2\`\`, \`\`smg\`\` or \`\`ours\`\`."""
    built: bool
    """False: known by name, refused unless it asks for nothing."""
    secret: bool
    environment: Optional[str]
    """Variable that launch_router takes the default from."""
    help: str


FLAGS: Tuple[Flag, ...] = (
${entries().map(flagRow).join('')})
`;
}

function fieldsFile() {
  const fields = [];
  const all = entries();
  const byKey = new Map(all.map((entry) => [entry.key, entry]));
  for (const key of FIELD_ORDER) {
    const entry = byKey.get(key);
    if (entry !== undefined) fields.push(fieldRow(entry));
    else if (FIELDS_WITHOUT_FLAG[key] === undefined) throw new Error(`${key} is no setting`);
    else {
      const about = 'Annotation of a pod with the port of its bootstrap server. Kubernetes discovery is not available in this version yet.';
      fields.push(`    ${fieldOf(key)}: str = ${python(FIELDS_WITHOUT_FLAG[key])}\n${docstring(about)}\n`);
    }
  }
  for (const entry of all) if (!FIELD_ORDER.includes(entry.key)) fields.push(fieldRow(entry));
  return `${NOTE}"""The fields of RouterArgs."""

import dataclasses
from typing import Dict, List, Optional, Tuple


@dataclasses.dataclass
class RouterFields:
    """All settings of the router with the defaults of launch_router."""

${fields.join('\n')}`;
}

export function outputs() {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const versionFile = `${NOTE}"""Versions."""

ROUTER_VERSION = ${python(version)}
"""Of this router."""

COMPATIBLE_WITH = ${python(COMPATIBLE_WITH)}
"""The version of sglang_router whose Python API and command line this package stands in for."""

__version__ = ${python(`${COMPATIBLE_WITH}+ts.${version}`)}
"""Both in one: callers that compare it with a version of sglang_router find what they expect."""
`;
  return [
    { file: `${PACKAGE}/_flags.py`, text: flagsFile() },
    { file: `${PACKAGE}/_fields.py`, text: fieldsFile() },
    { file: `${PACKAGE}/version.py`, text: versionFile },
  ];
}
