/** What processes inherit of the environment of whoever starts them. */
import type { Plan } from '../plan/plan.ts';

/** They decide where Dynamo and etcd look and what they are called; etcd does not even start with one that its flags contradict. */
const STEERING = /^(?:ETCD_|NATS_|DYN_(?!LOG))/;

/** `env` for the processes of `plan`: with etcd among them, such variables come from the plan and the recipe alone. */
export function inheritedEnvironment<T>(plan: Plan, env: Readonly<Record<string, T>>): Record<string, T> {
  const isDynamo = plan.processes.some(({ role }) => role === 'etcd');
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isDynamo || !STEERING.test(name)));
}
