/** All cases in the order in which they are sent: the prefix cache makes the order matter. */

import type { Case, CaseContext } from './case.ts';
import { controlCases } from './cases-control.ts';
import { embeddingCases } from './cases-embedding.ts';
import { generateCases } from './cases-generate.ts';
import { openaiCases } from './cases-openai.ts';

/** For engines that generate, or with `embedding` for those that embed. Throws when two cases have the same name. */
export function allCases(context: CaseContext, embedding = false): Case[] {
  const cases = embedding ? embeddingCases(context) : [...generateCases(context), ...openaiCases(context), ...controlCases(context)];
  const names = new Set(cases.map((one) => one.name));
  if (names.size !== cases.length) throw new Error('two cases have the same name');
  return cases;
}
