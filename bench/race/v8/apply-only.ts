/** Replaces the settings of V8 that the router makes; runs before the router (`node --import`). */
import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';

/** Sets `flags` once and ignores everything that the router sets later. */
export function applyOnly(flags: readonly string[]): void {
  for (const flag of flags) v8.setFlagsFromString(flag);
  v8.setFlagsFromString = () => {};
  syncBuiltinESMExports();
}
