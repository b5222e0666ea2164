/**
 * From command line, environment and file to one checked Config.
 *
 *   flags > environment > file > defaults
 *
 * Every value that somebody gave is checked, also one that another source overrides; all problems are reported at once.
 */

import { type Dialect, defaultOf } from '../setting/setting.ts';
import { type Entry, FLAGS, SETTING_ENTRIES } from './catalogue.ts';
import { crossCheck } from './cross-checks.ts';
import { type Environment, fromEnvironment } from './from-environment.ts';
import { type FromFile, fromFile } from './from-file.ts';
import { type GivenValue, judgeGiven, type SourceKind } from './given-value.ts';
import { helpText } from './help.ts';
import { readKeyFiles } from './key-files.ts';
import { parseArgv } from './parse-argv.ts';
import { type PriorityClass, type PriorityFile, readPriorityFile, STANDARD_CLASSES } from './priority-classes.ts';
import { type Problem, shown } from './problem.ts';
import type { Config, ConfigKey } from './schema.ts';

export { formatProblems, type Problem } from './problem.ts';
export type { Config, ConfigKey } from './schema.ts';

/** Where each value of a configuration came from. */
export type Sources = Readonly<Record<ConfigKey, SourceKind>>;

export interface ConfigInput {
  /** Without the program's name. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** Reads the text of --config; throws as `fs.readFileSync` does. */
  readonly readFile: (path: string) => string;
  /** Whose defaults apply; 'seed' if left out. */
  readonly dialect?: Dialect;
}

export type LoadedConfig =
  | {
      readonly kind: 'config';
      readonly config: Config;
      readonly warnings: readonly string[];
      readonly sources: Sources;
      /** Where a value came from, for people: `command line`, `FILE:LINE:COLUMN`, `default`. */
      readonly placeOf: (key: ConfigKey) => string;
      /** The file of --config, and whether --config-watch is given; null: no file. */
      readonly file: { readonly path: string; readonly isWatched: boolean } | null;
    }
  /** --check-config: `text` is the configuration in force as JSON. */
  | { readonly kind: 'check'; readonly text: string; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  /** At least one; print `formatProblems(problems)` and exit 2. */
  | { readonly kind: 'errors'; readonly problems: readonly Problem[] };

export function loadConfig({ argv, env, readFile, dialect = 'seed' }: ConfigInput): LoadedConfig {
  const line = parseArgv(argv);
  if (line.help) return { kind: 'help', text: helpText(dialect) };
  if (line.version) return { kind: 'version' };

  const problems: Problem[] = [...line.problems];
  const warnings: string[] = [];
  const chosen = new Map<string, { value: unknown; given: GivenValue }>();
  const take = (layer: readonly GivenValue[]): void => {
    for (const given of layer) {
      const judged = judgeGiven(given);
      if (!judged.ok) {
        problems.push(...judged.problems);
        continue;
      }
      warnings.push(...judged.warnings);
      if (!chosen.has(given.entry.key)) chosen.set(given.entry.key, { value: judged.value, given });
    }
  };

  const flags = [...line.given.values()].map(({ entry, words }): GivenValue => {
    return { entry, plain: entry.setting.shape.fromWords(words), kind: 'flag', source: 'command line' };
  });
  take(flags);
  const environment = fromEnvironment(env);
  warnings.push(...environment.warnings);
  take(environment.given);
  const path = chosen.get('config');
  if (path !== undefined) {
    const file = readSettings(String(path.value), path.given.source, readFile);
    problems.push(...file.problems);
    take(file.given);
  }

  const schedule = readSchedule(chosen.get('prioritySchedulerConfig'), readFile);
  problems.push(...schedule.problems);
  const keys = readKeyFiles(
    (key) => {
      const one = chosen.get(key);
      return one === undefined ? undefined : { value: one.value, source: one.given.source };
    },
    (flag, file, source) => readText(flag, file, source, readFile),
  );
  problems.push(...keys.problems);
  const config = assemble((entry) => keys.values.get(entry.key) ?? chosen.get(entry.key)?.value, dialect, schedule.classes);
  const placeOf = (key: ConfigKey): string => chosen.get(key)?.given.source ?? 'default';
  const checks = crossCheck(config, placeOf);
  problems.push(...checks.problems);
  if (problems.length > 0) return { kind: 'errors', problems };
  warnings.push(...checks.warnings);

  if (chosen.get('checkConfig')?.value === true) {
    const hidden = SETTING_ENTRIES.filter(({ key, setting }) => setting.secret === true && (chosen.has(key) || keys.values.has(key)));
    warnings.push(...hidden.map(({ flag }) => `${flag} is given and not shown`));
    return { kind: 'check', text: configText(config), config, warnings };
  }
  const sources = Object.fromEntries(SETTING_ENTRIES.map(({ key }) => [key, chosen.get(key)?.given.kind ?? 'default']));
  const isWatched = chosen.get('configWatch')?.value === true;
  if (isWatched && path === undefined) warnings.push('--config-watch changes nothing without --config');
  const file = path === undefined ? null : { path: String(path.value), isWatched };
  // Built from the same entries as Config.
  return { kind: 'config', config, warnings, sources: sources as Record<ConfigKey, SourceKind>, placeOf, file };
}

/** All defaults of a dialect, as if nothing were given. */
export function defaultsOf(dialect: Dialect): Config {
  return assemble(() => undefined, dialect, STANDARD_CLASSES);
}

/** The configuration as JSON, with the keys of a file, so that it can be used as one. Secrets are left out. */
export function configText(config: Config): string {
  const values: Record<string, unknown> = {};
  for (const { key, fileKey, setting } of SETTING_ENTRIES) {
    if (setting.secret !== true) values[fileKey] = plainValue(config, key as ConfigKey);
  }
  return `${JSON.stringify(values, null, 2)}\n`;
}

export function plainValue(config: Config, key: ConfigKey): unknown {
  if (key === 'workerUrls' || key === 'decode') return config[key].map(({ url }) => url);
  if (key === 'prefill') return config.prefill.map(({ address, bootstrapPort }) => `${address.url} ${bootstrapPort ?? 'none'}`);
  return config[key];
}

function assemble(givenValue: (entry: Entry) => unknown, dialect: Dialect, priorityClasses: readonly PriorityClass[]): Config {
  const values: Record<string, unknown> = { priorityClasses };
  for (const entry of SETTING_ENTRIES) {
    const { setting } = entry;
    if (!setting.built) continue;
    const given = givenValue(entry);
    const other = setting.sameAs === undefined ? undefined : FLAGS.get(`--${setting.sameAs}`)?.entry;
    const fallback = other === undefined ? defaultOf(setting, dialect) : (givenValue(other) ?? defaultOf(setting, dialect));
    values[entry.key] = given === undefined ? fallback : given;
  }
  // Every key of SETTINGS is there, with a value that its own schema made or its own default.
  return values as unknown as Config;
}

function readSettings(path: string, source: string, readFile: (path: string) => string): FromFile {
  const read = readText('--config', path, source, readFile);
  return typeof read === 'string' ? fromFile(path, read) : { given: [], problems: [read] };
}

/** `chosen`: the path of the file; undefined: none is given. */
function readSchedule(chosen: { value: unknown; given: GivenValue } | undefined, readFile: (path: string) => string): PriorityFile {
  if (chosen === undefined) return { classes: STANDARD_CLASSES, problems: [] };
  const path = String(chosen.value);
  const read = readText('--priority-scheduler-config', path, chosen.given.source, readFile);
  return typeof read === 'string' ? readPriorityFile(path, read) : { classes: STANDARD_CLASSES, problems: [read] };
}

function readText(flag: string, path: string, source: string, readFile: (path: string) => string): string | Problem {
  try {
    return readFile(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return { flag, value: shown(path), expected: `a file that can be read (${String(error.code)})`, source };
  }
}
