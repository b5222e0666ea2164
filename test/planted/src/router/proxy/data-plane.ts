// planted: lint/style/noRestrictedImports
import { target } from '../control/registry/target.ts';

export const copy: number = target;
