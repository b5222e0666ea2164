export const now = (): number => Date.now() + performance.now() + Math.random();
export const later = (run: () => void): unknown => setTimeout(run, 1);
