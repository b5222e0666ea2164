/**
 * Pipes for the output of processes. Node would hand a child one end of a socket pair, and a program that opens /dev/stderr by name
 * (nginx, `tee /dev/stderr`) fails on a socket; so these are true pipes, made as FIFOs and unlinked as soon as both ends are open.
 */
import { execFile } from 'node:child_process';
import { constants, open } from 'node:fs';
import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LaunchError } from '../launch/launcher.ts';

/** Names on one command line. */
const BATCH = 1000;

export interface OutputPipe {
  /** Not blocking; whoever makes a socket of it owns it. */
  readonly readFd: number;
  /** For the child; to be closed here once it has started. */
  readonly writeFd: number;
}

export class OutputPipes {
  readonly directory: string;

  /** Makes `count` pipes in a directory of their own. Rejects with a LaunchError. */
  static async create(count: number): Promise<OutputPipes> {
    const directory = await mkdtemp(join(tmpdir(), 'srtctl-'));
    const pipes = new OutputPipes(directory);
    for (let at = 0; at < count; at += BATCH) {
      const names = Array.from({ length: Math.min(BATCH, count - at) }, (_, index) => pipes.#path(at + index));
      await makeFifos(names);
    }
    return pipes;
  }

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Each index once. */
  async open(index: number): Promise<OutputPipe> {
    const path = this.#path(index);
    const readFd = await openFd(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeFd = await openFd(path, constants.O_WRONLY);
    await unlink(path);
    return { readFd, writeFd };
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }

  #path(index: number): string {
    return join(this.directory, `output-${index}`);
  }
}

function makeFifos(paths: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('mkfifo', ['-m', '600', ...paths], (error) => {
      if (error === null) resolve();
      else reject(new LaunchError(`mkfifo in ${tmpdir()}: ${error.message.trim()}; set TMPDIR to a local directory`, { cause: error }));
    });
  });
}

/** A plain descriptor: a FileHandle would close it when it is collected. */
function openFd(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, (error, fd) => (error === null ? resolve(fd) : reject(error)));
  });
}
