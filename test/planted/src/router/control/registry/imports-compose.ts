// planted: lint/style/noRestrictedImports
import { compose } from '../../compose.ts';

export const copy: number = compose;
