/** Paths of an engine that change it or concern it alone, however they are spelt: for requests that a pattern would let through. */
import { REFUSED_ROUTES } from './engine-routes.ts';

/** What such paths begin with, without a version: so that a variant of a later engine is among them. */
const CONTROL_NAMES: readonly string[] = [...new Set(REFUSED_ROUTES.map((path) => nameIn(path.split('/').filter((part) => part !== ''))!))];

/** Of segments without empty ones; /v1/load_lora_adapter and the like: the version prefix does not change what it is. */
function nameIn(segments: readonly string[]): string | undefined {
  return segments[0] === 'v1' ? segments[1] : segments[0];
}

/** Decoded, in one case, without empty and dot segments: as the most lenient server might read it. */
function normalise(path: string): string[] {
  let text = path;
  for (let i = 0; i < 3 && text.includes('%'); i++) {
    const decoded = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (decoded === text) break;
    text = decoded;
  }
  const segments: string[] = [];
  for (const segment of text.toLowerCase().split(/[/\\]/)) {
    const name = segment.split(';', 1)[0]!.trim();
    if (name === '' || name === '.') continue;
    if (name === '..') segments.pop();
    else segments.push(name);
  }
  return segments;
}

/** True when `path` names, or could be read as, a control path of an engine. */
export function isControlPath(path: string): boolean {
  const name = nameIn(normalise(path));
  return name !== undefined && CONTROL_NAMES.some((control) => name.startsWith(control));
}
