// planted: lint/style/noRestrictedImports
import { target } from '../slurm/target.ts';

export const copy: number = target;
