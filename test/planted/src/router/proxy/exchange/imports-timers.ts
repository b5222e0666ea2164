// planted: lint/style/noRestrictedImports
import { setTimeout as sleep } from 'node:timers/promises';

export const nap = (): Promise<void> => sleep(1);
