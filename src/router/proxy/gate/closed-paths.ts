/** Paths that do not lead to a worker: 404. */
import { isControlPath } from '../routing/control-paths.ts';
import type { Check } from './gate.ts';

export const closedPaths: Check = ({ head, route }) => {
  if (route.kind !== 'closed') return null;
  const message = isControlPath(head.path)
    ? `${head.path} changes an engine or concerns one alone: ask that worker itself, or let the path through with --forward-paths`
    : `no route ${head.path}: --forward-paths names further paths that go to a worker`;
  return { code: 'not_found', message };
};
