// planted: lint/suspicious/noTsIgnore
// @ts-ignore
export const wrong: number = 'text';
