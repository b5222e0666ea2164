/**
 * Reads settings and the file of workers again: one reload at a time, all of it or nothing.
 *
 *   asked (signal, route, change of the file) ─► read and check all ── a problem ──► nothing changes; the log says why
 *                                                     │ none
 *                                                     ▼
 *                                          apply, in one turn of the event loop
 */
import type { Clock } from '../base/core/clock.ts';
import { jsonResponse, type LocalResponse, type LocalRoute } from '../base/core/local-route.ts';
import type { Logger } from '../base/core/logger.ts';
import { FileWatch } from '../base/runtime/file-watch.ts';
import { findChanges } from './config/config-changes.ts';
import type { Config, LoadedConfig, Problem } from './config/load-config.ts';
import { lineOf, type WorkersFile, type WorkersFileRead } from './control/sources/workers-file.ts';

/** Where the settings of a running router come from. */
export interface SettingsSource {
  /** The file of --config, and whether it is watched. */
  readonly file: { readonly path: string; readonly isWatched: boolean };
  /** Reads them again, as at the start. */
  load(): Promise<LoadedConfig>;
  /** They hold now: for what the program around the router does itself, such as the level of its log. */
  applied(config: Config): void;
}

export type ReloadCause = 'SIGHUP' | 'POST /admin/reload' | '--config-watch';

/** invalid: the settings or the file of workers have problems. restart: settings differ that only a restart changes. none: there is no file. */
export type ReloadResult =
  | { readonly ok: true; readonly changed: readonly string[] }
  | { readonly ok: false; readonly why: 'invalid' | 'restart' | 'none'; readonly problems: readonly Problem[] };

interface ReloadParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: SettingsSource | null;
  readonly workersFile: WorkersFile | null;
  /** Makes a configuration hold. Throws RangeError, and changes nothing, if it cannot. */
  readonly apply: (config: Config) => void;
}

export class Reloads {
  /** What holds now. */
  config: Config;
  readonly #parts: ReloadParts;
  readonly #watch: FileWatch | null;
  #last: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(config: Config, parts: ReloadParts) {
    this.config = config;
    this.#parts = parts;
    const { settings, clock } = parts;
    this.#watch = settings?.file.isWatched ? new FileWatch(settings.file.path, clock, () => void this.reload('--config-watch')) : null;
  }

  /** Starts to watch the file of settings, if it is to be watched. */
  start(): void {
    this.#watch?.start();
  }

  /** Resolves when no reload is under way. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#watch?.stop();
    await this.#last;
  }

  reload(cause: ReloadCause): Promise<ReloadResult> {
    const result = this.#last.then(() => this.#reload(cause));
    this.#last = result;
    return result;
  }

  async #reload(cause: ReloadCause): Promise<ReloadResult> {
    const result = await this.#readAndApply();
    const { logger } = this.#parts;
    if (!result.ok) logger.error({ cause, problems: result.problems.map(lineOf) }, 'reload refused: nothing changed');
    else if (result.changed.length > 0 || cause !== '--config-watch') logger.info({ cause, changed: result.changed }, 'settings reloaded');
    return result;
  }

  async #readAndApply(): Promise<ReloadResult> {
    const { settings, workersFile, logger } = this.#parts;
    if (settings === null && workersFile === null) return { ok: false, why: 'none', problems: [] };
    const loaded = (await settings?.load()) ?? null;
    const read = (await workersFile?.read()) ?? null;
    if (this.#isStopped) return { ok: false, why: 'none', problems: [] };
    const problems = [...(loaded?.kind === 'errors' ? loaded.problems : []), ...problemsOf(read, workersFile)];
    if (problems.length > 0) return { ok: false, why: 'invalid', problems };
    let changed: readonly string[] = [];
    if (loaded?.kind === 'config') {
      const changes = findChanges(this.config, loaded.config, loaded.placeOf);
      if (changes.refused.length > 0) return { ok: false, why: 'restart', problems: changes.refused };
      for (const warning of loaded.warnings) logger.warn({ warning }, 'configuration');
      changed = changes.changed;
      const problem = changed.length === 0 ? null : this.#apply(loaded.config);
      if (problem !== null) return { ok: false, why: 'invalid', problems: [problem] };
    }
    if (read?.ok === true) workersFile?.apply(read);
    return { ok: true, changed };
  }

  #apply(config: Config): Problem | null {
    try {
      this.#parts.apply(config);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { flag: '--worker-urls', value: null, expected: error.message, source: 'configuration' };
    }
    this.config = config;
    this.#parts.settings?.applied(config);
    return null;
  }
}

/** A file of workers that is still awaited is no problem. */
function problemsOf(read: WorkersFileRead | null, file: WorkersFile | null): readonly Problem[] {
  if (read === null || read.ok || (read.isMissing && file?.isAwaited === true)) return [];
  return read.problems;
}

/** `POST /admin/reload`: takes nothing from the request, so nobody can make the router read another file. */
export function reloadRoute(reload: (cause: ReloadCause) => Promise<ReloadResult>): LocalRoute {
  return { method: 'POST', path: '/admin/reload', access: 'control', handle: async () => answer(await reload('POST /admin/reload')) };
}

function answer(result: ReloadResult): LocalResponse {
  if (result.ok) return jsonResponse(200, { status: 'success', changed: result.changed });
  const { why, problems } = result;
  if (why === 'none') {
    const error = 'There is nothing to reload: the router was started without --config and without --workers-file';
    return jsonResponse(409, { error, code: 'NOTHING_TO_RELOAD' });
  }
  const error = problems.map(lineOf).join('; ');
  return jsonResponse(why === 'invalid' ? 400 : 409, { error, code: why === 'invalid' ? 'BAD_CONFIGURATION' : 'NEEDS_RESTART', problems });
}
