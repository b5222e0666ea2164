// planted: lint/style/noRestrictedImports
import type { target } from '../../control/registry/target.ts';

export type Copy = typeof target;
