/** The simulated model in one decode step: the next token of a request, and whether the text ends with it. */
import type { FinishReason, Generation } from './generation.ts';
import { decode, EOS, encodeByte } from './tokens.ts';

/** Adds a token to the output. Returns why the text ends with it, or null. */
export function appendToken(generation: Generation): FinishReason | null {
  const { spec, outputIds } = generation;
  if (outputIds.length + 1 >= generation.endsAfter && outputIds.length >= spec.minNewTokens) {
    outputIds.push(EOS);
    return findFinish(generation, EOS);
  }
  const byte = generation.words.nextByte();
  const id = encodeByte(byte);
  outputIds.push(id);
  generation.text += String.fromCharCode(byte);
  return findFinish(generation, id);
}

/** Adds a token that another engine computed. Returns why the text ends with it, or null. */
export function takeToken(generation: Generation, id: number): FinishReason | null {
  generation.words.nextByte();
  generation.outputIds.push(id);
  if (id !== EOS) generation.text += decode([id]);
  return findFinish(generation, id);
}

/** Tokens after which the model ends a text: between 0.5 and 1.5 times the mean, the same for the same `key`. */
export function outputLength(key: number, mean: number): number {
  return Math.max(1, Math.round(mean / 2 + ((key >>> 0) / 2 ** 32) * mean));
}

/** In the order in which the engine looks: length, end of text, stop tokens, stop strings. */
function findFinish(generation: Generation, id: number): FinishReason | null {
  const { spec, outputIds } = generation;
  if (outputIds.length >= generation.limit) return { type: 'length', length: outputIds.length };
  if (outputIds.length < spec.minNewTokens) return null;
  if (id === EOS && !spec.ignoreEos) return { type: 'stop', matched: EOS };
  if (spec.stopTokenIds.includes(id)) return { type: 'stop', matched: id };
  for (const stop of spec.stop) {
    if (stop === '' || !generation.text.endsWith(stop)) continue;
    if (!spec.keepStop) generation.text = generation.text.slice(0, -stop.length);
    return { type: 'stop', matched: stop };
  }
  return null;
}
