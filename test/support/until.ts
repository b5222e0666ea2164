/** Waiting in tests: for a condition, or for a promise, with an end and a name, so that a test that hangs says on what. */

const LIMIT_MS = 10_000;
const SOON_MS = 10;

/** Polls. `what` names the condition in the error. */
export async function until(condition: () => boolean, what: string | (() => string), limitMs: number = LIMIT_MS): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > limitMs) throw new Error(`waited ${limitMs} ms in vain: ${typeof what === 'string' ? what : what()}`);
    // What is on this machine is a few turns of the loop away; what waits for a timer is looked at less often.
    await new Promise((resolve) => (performance.now() - startMs < SOON_MS ? setImmediate(resolve) : setTimeout(resolve, 2)));
  }
}

export async function within<T>(promise: Promise<T>, what: string, limitMs: number = LIMIT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms in vain: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise and its two ends. */
export interface Gate<T = void> {
  readonly promise: Promise<T>;
  open(value: T): void;
}

export function gate<T = void>(): Gate<T> {
  let open: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
