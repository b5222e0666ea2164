/** Replaces the settings of V8 that the router makes (src/base/runtime/v8-flags.ts); runs before the router (`node --import`). */
import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';

/** Sets `flags` once and ignores what the router sets later. Returns the function that sets a flag. */
export function applyOnly(flags: readonly string[]): (flag: string) => void {
  const set = v8.setFlagsFromString;
  for (const flag of flags) set(flag);
  v8.setFlagsFromString = () => {};
  syncBuiltinESMExports();
  return set;
}
