// planted: plugin
export const draw = (): number => Math.random();
