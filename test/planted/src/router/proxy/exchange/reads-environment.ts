// planted: lint/style/noProcessEnv
export const home: string | undefined = process.env['HOME'];
