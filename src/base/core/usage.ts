/** Tokens of one request as the engine counted them. */
export interface Usage {
  readonly promptTokens: number;
  /** Prompt tokens that the engine took from its KV cache; null if the answer does not say. */
  readonly cachedTokens: number | null;
  readonly completionTokens: number;
}
