// planted: lint/style/noRestrictedImports
import { target } from '../router/control/registry/target.ts';

export const copy: number = target;
