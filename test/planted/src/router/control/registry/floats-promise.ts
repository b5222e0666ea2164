// planted: lint/nursery/noFloatingPromises
async function work(): Promise<number> {
  return await Promise.resolve(1);
}

export function start(): void {
  work();
}
