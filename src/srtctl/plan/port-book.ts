/** Who listens on which port of which node: finds clashes and free ports. */
import { nodeName } from './nodes.ts';
import type { PlanProblem } from './plan.ts';

const MAX_PORT = 65_535;

/** Ports of one plan. Nodes are indexes; those that belong to no worker are below 0. */
export class PortBook {
  readonly problems: PlanProblem[] = [];
  /** Per node, port to the process that has it. */
  readonly #owners = new Map<number, Map<number, string>>();

  /**
   * Takes `port` for a process and returns it. A port that is already taken becomes a problem that names both processes.
   * @param path key of the recipe that decides about this port
   */
  take(node: number, port: number, process: string, purpose: string, path: string): number {
    const owners = this.#of(node);
    const owner = owners.get(port);
    if (owner === undefined) {
      owners.set(port, `${process} (${purpose})`);
      return port;
    }
    this.problems.push({
      path,
      message: `${nodeName(node)}: ${owner} and ${process} (${purpose}) would both listen on port ${port}; the second would end with "bind() to 0.0.0.0:${port} failed (Address already in use)"`,
      suggestion: `give ${path} another port`,
    });
    return port;
  }

  /** Takes the first free port from `first` on; none up to 65535 is a problem. */
  takeFree(node: number, first: number, process: string, purpose: string, path: string): number {
    const owners = this.#of(node);
    let port = first;
    while (owners.has(port)) port++;
    if (port > MAX_PORT)
      this.problems.push({
        path,
        message: `${nodeName(node)}: no port is left for ${process} (${purpose}) from ${first} to ${MAX_PORT}`,
        suggestion: `give ${path} a lower port`,
      });
    owners.set(port, `${process} (${purpose})`);
    return port;
  }

  #of(node: number): Map<number, string> {
    let owners = this.#owners.get(node);
    if (owners === undefined) {
      owners = new Map();
      this.#owners.set(node, owners);
    }
    return owners;
  }
}
