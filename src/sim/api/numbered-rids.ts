/** Numbers the one request id of a batch. Source: SGLang, `_normalize_rid`. `batch`: its prompts. */
export function numberedRids(rid: string, batch: number): readonly string[] {
  return Array.from({ length: batch }, (_, at) => `${rid}_${at}`);
}
