export const nap = (wallMs: number): Date => new Date(wallMs);
