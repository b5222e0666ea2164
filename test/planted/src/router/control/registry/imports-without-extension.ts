// planted: lint/correctness/useImportExtensions
import { target } from './target';

export const copy: number = target;
