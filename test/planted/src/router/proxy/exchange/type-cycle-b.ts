// planted: lint/suspicious/noImportCycles
import type { A } from './type-cycle-a.ts';

export interface B {
  readonly other: A | null;
}
