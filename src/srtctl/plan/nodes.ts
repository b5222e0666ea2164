/** Names and symbols of the nodes of a plan. */

/** Nodes beyond those of the workers, which have no number: of etcd and NATS, and of the benchmark's client. */
export const INFRA_NODE = -1;
export const CLIENT_NODE = -2;
const OWN_NODES: Readonly<Record<number, string>> = { [INFRA_NODE]: 'infra', [CLIENT_NODE]: 'client' };

/** Name of node `index` in the plan. */
export function nodeName(index: number): string {
  return OWN_NODES[index] ?? `n${index}`;
}

/** Symbol of the address of node `index`. */
export function addressOf(index: number): string {
  return index < 0 ? `<${nodeName(index)}>` : `<node${index}>`;
}

export function urlOf(node: number, port: number): string {
  return `http://${addressOf(node)}:${port}`;
}
