/**
 * The way from the HTTP process of an engine to its schedulers. Real engines have two processes here: when the schedulers do not
 * run (SIGSTOP, a kernel that hangs), the HTTP process goes on and its messages wait.
 *
 *   send --running--> the message acts at once
 *        --frozen---> it waits, and acts in order at `thaw`
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
