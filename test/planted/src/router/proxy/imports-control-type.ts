// planted: lint/style/noRestrictedImports
import type { target } from '../control/target.ts';

export type Copy = typeof target;
