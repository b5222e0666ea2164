/** One end for many waits. An AbortSignal would do, but Node warns when more than ten wait for one, and here thousands do. */
export class Stop {
  #isStopped = false;
  readonly #listeners = new Set<() => void>();

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Idempotent; calls every listener once. */
  stop(): void {
    this.#isStopped = true;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }

  /** `listener` is called when it stops, not when it has stopped already. The function returned takes it back. */
  onStop(listener: () => void): () => void {
    if (!this.#isStopped) this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
