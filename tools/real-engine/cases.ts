/** All cases in the order in which they are sent: the prefix cache makes the order matter. */

import type { Case, CaseContext } from './case.ts';
import { controlCases } from './cases-control.ts';
import { generateCases } from './cases-generate.ts';
import { openaiCases } from './cases-openai.ts';

/** Throws when two cases have the same name. */
export function allCases(context: CaseContext): Case[] {
  const cases = [...generateCases(context), ...openaiCases(context), ...controlCases(context)];
  const names = new Set(cases.map((one) => one.name));
  if (names.size !== cases.length) throw new Error('two cases have the same name');
  return cases;
}
