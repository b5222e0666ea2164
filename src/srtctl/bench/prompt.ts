/**
 * Prompts of a wanted number of tokens without a tokenizer: words of one width, whose price in tokens two questions to the engine tell.
 * Pure.
 *
 * Why words: text passes through every tokenizer and every frontend, and the engine's work on it is part of what is measured. Why of one
 * width: their price is then nearly the same for each, whether the engine counts words (most vocabularies hold these with the blank
 * before them as one token) or bytes (the simulated engine).
 */
import type { Rng } from '../../base/core/rng.ts';

/** Four letters each; distinct, so that eight words are enough to tell 2^56 prompts apart. */
const WORDS: readonly string[] = (
  'able area army away baby back ball bank base been best bill blue boat body book born both call came ' +
  'camp card care case cell city club cold come cool copy cost dark data date days dead deal deep door ' +
  'down draw drop each east easy edge even ever face fact fair fall farm fast feel feet file film find ' +
  'fine fire fish five flat food foot form four free from full game girl give glad goal gold gone good ' +
  'gray grew hair half hall hand hard hate have head hear heat held help here high hill hold home hope ' +
  'hour huge idea into iron item join jump keep kept kind king knew know lady lake land last late lead ' +
  'left less life line list live long look lose lost love'
).split(' ');

/** Tokens of a prompt = base + perWord * words. */
export interface WordPrice {
  readonly base: number;
  readonly perWord: number;
}

/** One token per word, for engines that do not tell their count. */
export const ONE_TOKEN_PER_WORD: WordPrice = { base: 0, perWord: 1 };

/** What an engine said that a prompt of so many words takes. */
export interface Measured {
  readonly words: number;
  readonly tokens: number;
}

/** Null: the two say nothing sensible, for instance the same number for both. */
export function findWordPrice(shorter: Measured, longer: Measured): WordPrice | null {
  const perWord = (longer.tokens - shorter.tokens) / (longer.words - shorter.words);
  if (!Number.isFinite(perWord) || perWord <= 0) return null;
  return { base: shorter.tokens - perWord * shorter.words, perWord };
}

/** A prompt of about `tokens` tokens (at least one word). What is left over is filled with single letters. */
export function makePrompt(tokens: number, price: WordPrice, rng: Rng): string {
  const affordable = (tokens - price.base) / price.perWord;
  const words = wordsFor(tokens, price);
  const rest = Math.max(0, Math.floor((affordable - words) * price.perWord + 1e-6));
  return makeWords(words, rng) + 'a'.repeat(price.perWord >= 2 ? rest : 0);
}

/** As many as fit, at least one. */
export function wordsFor(tokens: number, price: WordPrice): number {
  return Math.max(1, Math.floor((tokens - price.base) / price.perWord + 1e-9));
}

/** Each word has a blank behind it, so that a word costs the same wherever it stands. */
export function makeWords(count: number, rng: Rng): string {
  const words: string[] = [];
  for (let i = 0; i < count; i++) words.push(WORDS[rng.below(WORDS.length)]!);
  return `${words.join(' ')} `;
}

/** Uniform between `ratio` times `length` and `length`, whole, at least 1. */
export function drawLength(length: number, ratio: number, rng: Rng): number {
  const least = Math.max(1, Math.floor(length * ratio));
  return least + rng.below(Math.max(1, length - least + 1));
}
