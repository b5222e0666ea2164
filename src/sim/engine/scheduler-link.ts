/**
 * Messages from the HTTP process of an engine to its schedulers. In a real engine these are separate processes: if the schedulers
 * hang (SIGSTOP, a kernel that does not return), the HTTP process continues and its messages wait.
 *
 *   send --running--> delivered at once
 *        --frozen---> queued, delivered in order by `thaw`
 */
export class SchedulerLink {
  readonly #waiting: (() => void)[] = [];
  #isFrozen = false;

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  send(message: () => void): void {
    if (this.#isFrozen || this.#waiting.length > 0) this.#waiting.push(message);
    else message();
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    // A message may freeze the link again.
    while (!this.#isFrozen) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      message();
    }
  }
}
