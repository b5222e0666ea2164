// planted: lint/style/noRestrictedGlobals
export const pid: number = process.pid;
