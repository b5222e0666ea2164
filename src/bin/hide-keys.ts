/** Keys that were given on the command line leave the title of the process, which every user of the machine can read (ps). */
import type { Config, Sources } from '../router/config/load-config.ts';

/** What to warn of; null: no key was given there. */
export function hideKeys(argv: readonly string[], config: Config, sources: Sources): string | null {
  const given = [
    ...(sources.apiKey === 'flag' && config.apiKey !== null ? [{ flag: '--api-key', keys: [config.apiKey] }] : []),
    ...(sources.controlPlaneApiKeys === 'flag' ? [{ flag: '--control-plane-api-keys', keys: config.controlPlaneApiKeys }] : []),
  ];
  if (given.length === 0) return null;
  const secrets = given.flatMap(({ keys }) => keys);
  const words = argv.map((word) => secrets.reduce((text, secret) => text.replaceAll(secret, '***'), word));
  process.title = ['sglang-router', ...words].join(' ');
  const flags = given.map(({ flag }) => flag);
  return `${flags.join(', ')}: every user of this machine could read the key on the command line until now; use ${flags.map((flag) => `${flag}-file`).join(', ')} or the environment`;
}
