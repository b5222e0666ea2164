// planted: lint/style/noRestrictedImports
export { target } from '../../control/registry/target.ts';
