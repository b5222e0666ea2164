/** Settings from environment variables `SGLANG_ROUTER_*`. */

import { nearest } from '../../base/config/suggest.ts';
import { ENVIRONMENT_PREFIX, VARIABLES } from './catalogue.ts';
import type { GivenValue } from './given-value.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface FromEnvironment {
  readonly given: readonly GivenValue[];
  readonly warnings: readonly string[];
}

/** An empty variable counts as not set. A variable that is not known draws a warning only: the environment belongs to others too. */
export function fromEnvironment(env: Environment): FromEnvironment {
  const given: GivenValue[] = [];
  const warnings: string[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(ENVIRONMENT_PREFIX) || text === undefined || text === '' || isServiceLink(variable, text)) continue;
    const entry = VARIABLES.get(variable);
    if (entry === undefined) {
      const suggestion = nearest(variable, VARIABLES.keys());
      const hint = suggestion === null ? '' : `; did you mean ${suggestion}?`;
      warnings.push(`environment variable ${variable} is not known and is ignored${hint}`);
      continue;
    }
    given.push({ entry, plain: entry.setting.shape.fromText(text), kind: 'environment', source: `environment variable ${variable}` });
  }
  return { given, warnings };
}

/**
 * Kubernetes sets SGLANG_ROUTER_PORT=tcp://10.0.0.1:3001, SGLANG_ROUTER_SERVICE_HOST and more of the kind in every pod beside a
 * service named sglang-router. Source: Kubernetes documentation, "Accessing the Service", environment variables.
 */
function isServiceLink(variable: string, text: string): boolean {
  const name = variable.slice(ENVIRONMENT_PREFIX.length);
  if (name === 'PORT') return /^(?:tcp|udp|sctp):\/\//.test(text);
  return /^(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/.test(name);
}
