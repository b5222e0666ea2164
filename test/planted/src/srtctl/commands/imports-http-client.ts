// planted: lint/style/noRestrictedImports
import { request } from 'undici';

export const ask = request;
