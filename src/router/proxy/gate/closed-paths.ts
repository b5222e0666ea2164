/** Paths that do not lead to a worker: 404. */
import { isControlPath } from '../routing/control-paths.ts';
import type { Check } from './gate.ts';

export const closedPaths: Check = ({ head, route }) => {
  if (route.kind !== 'closed') return null;
  const message = isControlPath(head.path)
    ? `${head.path} changes an engine and is not reachable through the router: ask the worker itself`
    : `no route ${head.path}`;
  return { code: 'not_found', message };
};
