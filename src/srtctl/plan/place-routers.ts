/** On which nodes the routers (or Dynamo frontends) of a deployment run. */
import type { RouterSpread } from '../recipe/resolve/recipe.ts';

/**
 * Node indexes, ascending, at most one router a node, node 0 always first.
 *
 * `ceiling` is the rule that recipes were written against: one router on node 0, then one on every n-th node from node 1 on, where
 * n = ceil((nodes - 1) / additional). It starts fewer than asked wherever the division leaves a rest:
 *
 *     nodes  n0   n1   n2   n3   n4        additional = 3: n = ceil(4 / 3) = 2
 *            R    R    .    R    .         3 routers run, 4 were asked
 *
 * `even` starts min(1 + additional, nodes) routers, the additional ones at equal distances from node 1 on.
 *
 * @param nodes at least 1
 * @param additional routers asked beyond the first, 0 or more
 */
export function placeRouters(nodes: number, additional: number, spread: RouterSpread): readonly number[] {
  const others = nodes - 1;
  if (additional === 0 || others === 0) return [0];
  if (spread === 'even') {
    const count = Math.min(additional, others);
    return [0, ...Array.from({ length: count }, (_, i) => 1 + Math.floor((i * others) / count))];
  }
  const nodesPerRouter = Math.ceil(others / additional);
  const placed = [0];
  for (let node = 1; node < nodes; node += nodesPerRouter) placed.push(node);
  return placed;
}
