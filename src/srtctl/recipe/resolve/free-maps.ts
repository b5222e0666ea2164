/** Blocks whose keys are free: environments, flags, options and mounts. They are read from the tree, where numbers still look as written. */

import { type Findings, shown } from '../text/findings.ts';
import { findTree, type MapTree, type Path, plainOf, type Tree } from '../text/tree.ts';
import { type Expanded, expandHostPath, type Variables } from './expand-host.ts';
import type { Environment, Flags, FlagValue, Mount } from './recipe.ts';

function mapAt(tree: Tree, path: Path): MapTree | null {
  const found = findTree(tree, path);
  return found?.kind === 'map' ? found : null;
}

/** `OMP_NUM_THREADS: 08` is `08`, not 8. `HF_TOKEN: ${HF_TOKEN}` names the variable that processes inherit anyway. */
export function readEnvironment(tree: Tree, path: Path, findings: Findings): Environment {
  const environment: [string, string][] = [];
  for (const [name, { value }] of mapAt(tree, path)?.entries ?? []) {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      findings.problem(
        [...path, name],
        `${shown(name)} is no name of a variable`,
        'letters, digits and _, not beginning with a digit',
        true,
      );
    } else if (value.kind !== 'scalar') continue;
    else if (value.text === `$${name}` || value.text === `\${${name}}`)
      findings.warn([...path, name], 'is that of the environment that srtctl runs in: left as it is there');
    else environment.push([name, value.text]);
  }
  return Object.fromEntries(environment);
}

/** `--tp-size: 4` and `tp_size: 4` both mean tp-size; the first is told. */
export function readFlags(tree: Tree, path: Path, findings: Findings): Flags {
  const flags = new Map<string, FlagValue>();
  for (const [name, { value }] of mapAt(tree, path)?.entries ?? []) {
    const here = [...path, name];
    const flag = name.replace(/^-+/, '').replaceAll('_', '-');
    if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$/.test(flag)) findings.problem(here, `${shown(name)} is no name of a flag`, null, true);
    else if (name.startsWith('-'))
      findings.problem(here, `${shown(name)}: flags are written without leading dashes`, `write ${flag}`, true);
    else if (flags.has(flag)) findings.problem(here, `--${flag} is here twice, once with - and once with _`, 'remove one of them', true);
    else {
      const read = switchOf(flag, value) ?? readFlagValue(value, here, findings);
      if (read !== undefined) flags.set(flag, read);
    }
  }
  return Object.fromEntries(flags);
}

/** Flags of engines that take no value; in quotes they would get one, which engines refuse. */
const SWITCHES = /^(?:enable|disable|skip|allow)-|^trust-remote-code$|^log-requests$/;

/** What a quoted switch means; null: it is none. */
function switchOf(flag: string, tree: Tree): boolean | null {
  if (tree.kind !== 'scalar' || typeof tree.value !== 'string' || !SWITCHES.test(flag)) return null;
  return /^(?:true|false)$/i.test(tree.value) ? tree.value.toLowerCase() === 'true' : null;
}

function readFlagValue(tree: Tree, path: Path, findings: Findings): FlagValue | undefined {
  if (tree.kind === 'map') return plainOf(tree) as { readonly [key: string]: unknown };
  if (tree.kind === 'scalar') return readFlagScalar(tree, path, findings);
  const words: (string | number | boolean)[] = [];
  for (const [at, item] of tree.items.entries()) {
    const word = item.kind === 'scalar' ? readFlagScalar(item, [...path, at], findings) : undefined;
    if (word === null || item.kind !== 'scalar') findings.problem([...path, at], `got ${shown(plainOf(item))}, expected text or a number`);
    else if (word !== undefined) words.push(word);
  }
  return words;
}

function readFlagScalar(tree: Tree & { kind: 'scalar' }, path: Path, findings: Findings): string | number | boolean | null | undefined {
  const { value, text, plain } = tree;
  if (plain && typeof value === 'string' && /^(yes|no|on|off)$/i.test(value)) {
    const meant = /^(yes|on)$/i.test(value);
    findings.warn(
      path,
      `${value} counts as ${meant}, as in older YAML`,
      `write ${meant}, or ${JSON.stringify(value)} in quotes for the word`,
    );
    return meant;
  }
  // Numbers that a double cannot hold keep their digits.
  if (typeof value === 'number' && !(Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value))) return text;
  return value;
}

/** Null: an option without a value. `exclusive: true` is one, too; false leaves it out. */
export function readOptions(tree: Tree, path: Path, findings: Findings): Readonly<Record<string, string | null>> {
  const options: [string, string | null][] = [];
  for (const [name, { value }] of mapAt(tree, path)?.entries ?? []) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name)) {
      findings.problem([...path, name], `${shown(name)} is no name of an option`, 'options are written without leading dashes', true);
    } else if (value.kind === 'scalar' && value.value !== false) {
      if (/[\r\n]/.test(value.text)) findings.problem([...path, name], 'an option cannot hold a line break');
      else options.push([name, value.value === null || value.value === true || value.value === '' ? null : value.text]);
    }
  }
  return Object.fromEntries(options);
}

/** `host: container` of container_mounts and default_mounts. */
export function readMountMap(tree: Tree, path: Path, variables: Variables, findings: Findings): Mount[] {
  return [...(mapAt(tree, path)?.entries ?? [])].flatMap(([host, { value }]) => {
    const target = value.kind === 'scalar' ? value.text : '';
    return readMount(`${host}:${target}`, [...path, host], variables, findings) ?? [];
  });
}

/** `host:container[:options]` of extra_mount. */
export function readMountList(tree: Tree, path: Path, variables: Variables, findings: Findings): Mount[] {
  const list = findTree(tree, path);
  const items = list?.kind === 'list' ? list.items : [];
  return items.flatMap((item, at) => (item.kind === 'scalar' ? (readMount(item.text, [...path, at], variables, findings) ?? []) : []));
}

/** The workspace of the user: mounted where its variable is set, whether a recipe names it or not. */
const WORKSPACE = /^\$(?:INFMAX_WORKSPACE|\{INFMAX_WORKSPACE\})\/?$/;

function readMount(text: string, path: Path, variables: Variables, findings: Findings): Mount | null {
  const [host = '', container = '', options, ...more] = text.split(':');
  const wrong = host === '' || container === '' || options === '' || more.length > 0 || /[\r\n,]/.test(text);
  if (wrong) {
    findings.problem(
      path,
      `got ${shown(text)}, expected host:container or host:container:options`,
      'paths with ":" or "," cannot be mounted',
    );
    return null;
  }
  if (!/^[/{]/.test(container)) {
    findings.problem(path, `the path in the container, ${shown(container)}, must begin with /`);
    return null;
  }
  if (WORKSPACE.test(host) && !variables['INFMAX_WORKSPACE']) {
    findings.warn(path, `mounts nothing at ${container}: there is no variable INFMAX_WORKSPACE`, 'set INFMAX_WORKSPACE where srtctl runs');
    return null;
  }
  const expanded = expandAt(host, path, variables, findings);
  return expanded === null ? null : { host: expanded, container, options: options ?? null };
}

/** Null: a variable is missing, which is told. In a preview the text stays as it is written, with a warning. */
export function expandAt(text: string, path: Path, variables: Variables, findings: Findings): string | null {
  const expanded: Expanded = expandHostPath(text, variables);
  if (expanded.ok) return expanded.path;
  const found = [path, `${shown(text)}: there is no variable ${expanded.missing}`, `set ${expanded.missing} where srtctl runs`] as const;
  if (!findings.isPreview) {
    findings.problem(...found);
    return null;
  }
  findings.warn(...found);
  return text;
}
