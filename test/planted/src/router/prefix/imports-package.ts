// planted: lint/style/noRestrictedImports
import { pino } from 'pino';

export const log = pino();
