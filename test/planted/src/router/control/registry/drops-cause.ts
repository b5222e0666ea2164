// planted: lint/style/useErrorCause
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`cannot parse: ${String(error).length}`);
  }
}
