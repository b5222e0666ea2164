/** Keys of one entry of `services`, and of `host_setup`. */
import { z } from 'zod';
import { anything, block, count, environment, oneOf, text, texts, yesNo } from './fields.ts';

export const SERVICE_PLACES = ['head', 'infra', 'prefill', 'decode', 'agg', 'workers', 'compute', 'all'] as const;

const PORT = { error: 'a port from 1 to 65535' };
const port = z.int(PORT).min(1, PORT).max(65_535, PORT).optional();

/** A process beside the fleet. Its file is read here key by key, since lists have no keys that the recipe's schema could name. */
const SERVICE = z.strictObject({
  name: z.string({ error: 'a name' }).regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, { error: 'a name of letters, digits, -, _ and .' }),
  type: oneOf(['generic', 'mooncake-store'], {
    describe: 'generic: command; mooncake-store: a store of the Mooncake master on every worker node',
  }),
  command: texts('Words of the command', 'text'),
  args: texts('More words', 'text'),
  container: text({ describe: 'Image' }),
  env: environment('Environment'),
  placement: z
    .strictObject(
      { node: oneOf(SERVICE_PLACES, { describe: 'Node' }), per: oneOf(['node', 'worker'], { describe: 'What has one' }) },
      { error: 'a block with node and per' },
    )
    .optional(),
  start: oneOf(['infra', 'before_workers', 'with_workers', 'after_frontend'], { describe: 'When it starts' }),
  readiness: z
    .strictObject(
      {
        port,
        tcp: z.strictObject({ port }, { error: 'a block with port' }).optional(),
        http: z.strictObject({ port, path: text({ describe: 'Path' }), status: z.literal(200, { error: '200' }).optional() }).optional(),
        log: z.strictObject({ pattern: text({ describe: 'Regular expression' }) }, { error: 'a block with pattern' }).optional(),
        timeout_seconds: count(1, { describe: 'Seconds' }),
        interval_seconds: count(1, { describe: 'Seconds' }),
      },
      { error: 'a block with port, tcp, http or log' },
    )
    .optional(),
  inherit_discovery_env: yesNo({ describe: 'ETCD_ENDPOINTS and NATS_SERVER' }),
  critical: yesNo({ describe: 'Its end ends the run' }),
  preamble: text({ describe: 'Shell commands before it' }),
  enabled: yesNo({ describe: 'Whether it runs' }),
});

export type ServiceInput = z.infer<typeof SERVICE>;

/** `keys`: those that no service has; otherwise the value at `path` is wrong. */
export interface ServiceIssue {
  readonly path: readonly (string | number)[];
  readonly expected: string;
  readonly keys: readonly string[];
}

export function readService(
  value: unknown,
): { readonly data: ServiceInput } | { readonly data: null; readonly issues: readonly ServiceIssue[] } {
  const parsed = SERVICE.safeParse(value);
  if (parsed.success) return { data: parsed.data };
  const issues = parsed.error.issues.map((issue) => ({
    path: issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step)),
    expected: issue.message,
    keys: issue.code === 'unrecognized_keys' ? issue.keys : [],
  }));
  return { data: null, issues };
}

export const SERVICES: ReturnType<typeof anything> = anything(
  'Processes beside the fleet, a list: name, command, args, container, env, preamble, placement.node (head, infra, prefill, decode, agg, ' +
    'workers, all), placement.per (node, worker), start (before_workers, with_workers, after_frontend), readiness (port, http, log), critical. etcd, nats and mooncake-master set keys of ' +
    'their own: infra and backend.mooncake_kv_store',
  'a list of services',
);

export const hostSetup = (describe: string): ReturnType<typeof block> =>
  block(describe, {
    commands: texts('Shell commands, in their order; a failing one ends the run', 'text'),
    teardown: texts('Shell commands when the run ends, however it ends; they get 10 s', 'text'),
    nodes: oneOf(['all', 'workers'], { describe: 'Every node of the job, or those with workers', standard: 'all' }),
    ignore_failure: yesNo({ describe: 'A failing command is a warning', standard: false }),
    timeout_seconds: count(1, { describe: 'Seconds for the commands of one node', standard: 300 }),
  });
