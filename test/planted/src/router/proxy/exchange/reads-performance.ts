// planted: plugin
export const now = (): number => performance.now();
