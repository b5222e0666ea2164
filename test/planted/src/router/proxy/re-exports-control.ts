// planted: lint/style/noRestrictedImports
export { target } from '../control/target.ts';
