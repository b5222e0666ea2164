// planted: lint/style/noRestrictedImports
export const load = (): Promise<unknown> => import('../../control/registry/target.ts');
