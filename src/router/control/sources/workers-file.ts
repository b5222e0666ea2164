/**
 * Source of the workers that a file names (`--workers-file`), for as long as it names them. A file that is missing or not valid changes
 * nothing, and the log says why.
 */
import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../../../base/core/clock.ts';
import type { Logger } from '../../../base/core/logger.ts';
import { FileWatch, type FileWatchOptions } from '../../../base/runtime/file-watch.ts';
import type { DesiredWorker } from '../registry/source.ts';
import type { SourceSink, WorkerSource } from './worker-source.ts';
import { type FileProblem, MAX_FILE_BYTES, parseWorkersFile, WORKERS_FILE_FLAG, type WorkersFileMode } from './workers-file-text.ts';

/** What a file names now. `text`: to notice that nothing changed. */
export type WorkersFileRead =
  | { readonly ok: true; readonly text: string; readonly workers: readonly DesiredWorker[] }
  | { readonly ok: false; readonly isMissing: boolean; readonly problems: readonly FileProblem[] };

/** The file is not valid when the router starts. */
export class WorkersFileError extends Error {
  readonly problems: readonly FileProblem[];

  constructor(problems: readonly FileProblem[]) {
    super(problems.map(lineOf).join('\n'));
    this.name = 'WorkersFileError';
    this.problems = problems;
  }
}

interface WorkersFileParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mode: WorkersFileMode;
  readonly watch?: FileWatchOptions;
}

export class WorkersFile implements WorkerSource {
  readonly name: string;
  readonly label = 'file';
  readonly isLasting = true;
  readonly #path: string;
  readonly #parts: WorkersFileParts;
  readonly #watch: FileWatch;
  #sink: SourceSink | null = null;
  #named: Extract<WorkersFileRead, { ok: true }> | null;
  /** Readings take turns. */
  #updates: Promise<void> = Promise.resolve();

  /** Throws WorkersFileError if the file is not valid. A file that does not exist yet names no workers. */
  static async open(path: string, parts: WorkersFileParts): Promise<WorkersFile> {
    const read = await readWorkersFile(path, parts.mode);
    if (!read.ok && !read.isMissing) throw new WorkersFileError(read.problems);
    return new WorkersFile(path, parts, read.ok ? read : null);
  }

  private constructor(path: string, parts: WorkersFileParts, named: Extract<WorkersFileRead, { ok: true }> | null) {
    this.name = `the file ${path}`;
    this.#path = path;
    this.#parts = parts;
    this.#named = named;
    this.#watch = new FileWatch(path, parts.clock, () => this.#changed(), parts.watch);
  }

  start(sink: SourceSink): void {
    this.#sink = sink;
    if (this.#named === null) this.#parts.logger.warn({ file: this.#path }, 'file of workers does not exist yet: it is awaited');
    else this.#desire(this.#named.workers);
    this.#watch.start();
  }

  async stop(): Promise<void> {
    await this.#watch.stop();
    await this.#updates;
    this.#sink = null;
  }

  /** It has not existed since the start. */
  get isAwaited(): boolean {
    return this.#named === null;
  }

  /** Reads the file and changes nothing. */
  read(): Promise<WorkersFileRead> {
    return readWorkersFile(this.#path, this.#parts.mode);
  }

  /** `read`: what `read` resolved with. */
  apply(read: Extract<WorkersFileRead, { ok: true }>): void {
    if (read.text === this.#named?.text) return;
    this.#named = read;
    this.#parts.logger.info({ file: this.#path, workers: read.workers.length }, 'file of workers applied');
    this.#desire(read.workers);
  }

  #changed(): void {
    this.#updates = this.#updates.then(() => this.#update());
  }

  async #update(): Promise<void> {
    const read = await this.read();
    if (read.ok) this.apply(read);
    else if (!read.isMissing) {
      this.#parts.logger.error({ file: this.#path, problems: read.problems.map(lineOf) }, 'file of workers is not valid: nothing changed');
    } else if (this.#named !== null) this.#parts.logger.warn({ file: this.#path }, 'file of workers is gone: its workers stay');
  }

  #desire(workers: readonly DesiredWorker[]): void {
    for (const result of this.#sink?.desire(this, workers) ?? []) {
      if (result.kind === 'conflict') {
        const { url, type } = result.record.worker;
        this.#parts.logger.warn({ worker: url, type, file: this.#path }, 'worker of the file is registered in another role: it stays that');
      } else if (result.kind === 'full') {
        this.#parts.logger.error({ file: this.#path }, 'the router holds as many workers as it can: some of the file are missing');
        return;
      }
    }
  }
}

/** A problem on one line. */
export function lineOf({ flag, value, expected, source }: FileProblem): string {
  return `${flag}${value === null ? '' : ` "${value}"`} (${source}): expected ${expected}`;
}

/** Rejects only for errors that are none of the file system. */
export async function readWorkersFile(path: string, mode: WorkersFileMode): Promise<WorkersFileRead> {
  const refuse = (expected: string, isMissing = false): WorkersFileRead => {
    return { ok: false, isMissing, problems: [{ flag: WORKERS_FILE_FLAG, value: path, expected, source: path }] };
  };
  try {
    const facts = await stat(path);
    if (!facts.isFile()) return refuse('a file');
    if (facts.size > MAX_FILE_BYTES) return refuse(`a file of at most ${MAX_FILE_BYTES / 1024 / 1024} MiB`);
    const text = await readFile(path, 'utf8');
    const parsed = parseWorkersFile(path, text, mode);
    return parsed.ok ? { ...parsed, text } : { ...parsed, isMissing: false };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return refuse(`a file that can be read (${String(error.code)})`, error.code === 'ENOENT' || error.code === 'ENOTDIR');
  }
}
