/** Prompts of request bodies. */
import { encode, promptFromIds } from '../scheduling/tokens.ts';

export interface ReadPrompts {
  readonly prompts: readonly Uint16Array[];
  /** A list of prompts, perhaps of one. */
  readonly isList: boolean;
}

/** A text, token ids, or a list of texts and of lists of token ids. */
export function readPrompts(value: string | readonly unknown[]): ReadPrompts {
  if (typeof value === 'string') return { prompts: [encode(value)], isList: false };
  if (value.every((item): item is number => typeof item === 'number')) return { prompts: [promptFromIds(value)], isList: false };
  return { prompts: value.map((item) => (Array.isArray(item) ? promptFromIds(item) : encode(String(item)))), isList: true };
}
