/** Who cleans up: a test, or a program of the tests. */
export interface Owner {
  after(end: () => void | Promise<void>): void;
}
