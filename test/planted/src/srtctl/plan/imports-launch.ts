// planted: lint/style/noRestrictedImports
import { target } from '../launch/target.ts';

export const copy: number = target;
