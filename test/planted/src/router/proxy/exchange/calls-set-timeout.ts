// planted: lint/style/noRestrictedGlobals
export const nap = (run: () => void): unknown => setTimeout(run, 1);
