// planted: lint/style/noRestrictedImports
import { target } from './target.ts';

export const copy: number = target;
