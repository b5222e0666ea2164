// planted: plugin
export const rng: () => number = Math.random;
