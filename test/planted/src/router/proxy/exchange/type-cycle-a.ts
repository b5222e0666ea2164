// planted: lint/suspicious/noImportCycles
import type { B } from './type-cycle-b.ts';

export interface A {
  readonly other: B | null;
}
