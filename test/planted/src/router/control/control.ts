// planted: lint/style/noRestrictedImports
import { nap } from '../proxy/client/allowed-neighbour.ts';

export const later: (wallMs: number) => Date = nap;
