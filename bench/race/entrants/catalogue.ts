/** All entrants, in the order in which they are listed. */
import { ours } from './builds.ts';
import { fromTemplate } from './command.ts';
import { direct } from './direct.ts';
import type { Entrant } from './entrant.ts';
import { haproxy } from './haproxy.ts';
import { YARDSTICKS } from './nginx.ts';
import { nodeServers } from './node-servers.ts';
import { pythonRouters } from './python-routers.ts';

/** `also`: templates of further routers. */
export function allEntrants(policies: readonly string[], also: readonly string[]): readonly Entrant[] {
  return [
    direct,
    ...YARDSTICKS,
    haproxy,
    ...ours(policies),
    ...also.flatMap((text) => fromTemplate(text, policies)),
    ...nodeServers,
    ...pythonRouters,
  ];
}

/** True if `wanted` is the name or its part before the slash. */
export function isNamed(entrant: Entrant, wanted: string): boolean {
  return entrant.name === wanted || entrant.name.startsWith(`${wanted}/`);
}

export const isYardstick = (name: string): boolean => YARDSTICKS.some((entrant) => entrant.name === name);
