/** docs/engine-routes.md: the routes of SGLang, in which releases they are, and what becomes of them at the router. */
import { type EngineRoute, treatmentOf } from './treatment.ts';

/** The routes of one release. */
export interface Release {
  readonly version: string;
  readonly routes: readonly EngineRoute[];
}

const INTRODUCTION = `# Routes of engines

The HTTP routes of SGLang, and what the router does with a request for them. \`npm run engine-routes -- --write\` writes this page: it downloads the
newest wheel of each minor release, reads the decorators of its routes (nothing is imported), and fails if a route is neither passed on nor refused by
the lists in \`src/router/proxy/routing/routes.ts\` and \`src/router/proxy/routing/engine-routes.ts\`. Run it when a new SGLang is to be supported. It is
not part of \`npm test\`, because it needs a package index.

- **one worker**: the policy chooses it. **or a pair**: with \`--pd-disaggregation\` the request goes to a prefill and a decode worker. **501 with pairs**:
  no engine of a pair can serve it alone.
- **refused**: it changes an engine, or concerns one engine alone, so it must not reach a worker that somebody else chose; ask that worker itself. A GET
  changes engines too. \`--forward-paths\` lets the path through all the same.
- Every other path is 404. \`--forward-paths\` names further paths; \`--disable-transparent-proxy\` closes the routes that are only in
  \`src/router/proxy/routing/engine-routes.ts\`.
`;

/** Methods of one path with the same releases and treatment. */
interface Row {
  readonly path: string;
  readonly methods: string[];
  readonly releases: string;
  readonly treatment: string;
}

export function pageOf(releases: readonly Release[]): string {
  const rows = rowsOf(releases).map(({ path, methods, releases: seen, treatment }) => [`\`${path}\``, methods.join(', '), seen, treatment]);
  return `${INTRODUCTION}\nRead from ${releases.map(({ version }) => version).join(', ')}.\n\n${tableOf([['Route', 'Methods', 'Releases', 'At the router'], ...rows])}`;
}

/** Routes that are in neither list, with the releases that have them. */
export function unknownRoutes(releases: readonly Release[]): string[] {
  return [...seenIn(releases)]
    .filter(([, { route }]) => treatmentOf(route) === null)
    .map(([name, { versions }]) => `${name} (${versions.join(', ')})`);
}

function rowsOf(releases: readonly Release[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { route, versions } of seenIn(releases).values()) {
    const treatment = treatmentOf(route) ?? 'in neither list';
    const key = JSON.stringify([route.path, versions, treatment]);
    const row = rows.get(key) ?? { path: route.path, methods: [], releases: rangeOf(versions, releases), treatment };
    row.methods.push(route.method);
    rows.set(key, row);
  }
  return [...rows.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function seenIn(releases: readonly Release[]): Map<string, { readonly route: EngineRoute; readonly versions: string[] }> {
  const seen = new Map<string, { route: EngineRoute; versions: string[] }>();
  for (const { version, routes } of releases) {
    for (const route of routes) {
      const name = `${route.method} ${route.path}`;
      const entry = seen.get(name) ?? { route, versions: [] };
      entry.versions.push(version);
      seen.set(name, entry);
    }
  }
  return seen;
}

function rangeOf(versions: readonly string[], releases: readonly Release[]): string {
  if (versions.length === releases.length) return 'all';
  return versions.at(-1) === releases.at(-1)?.version && versions.length > 1 ? `${versions[0]} and later` : versions.join(', ');
}

/** Columns as wide as their widest cell. */
function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |\n`;
  const [head, ...body] = rows;
  return line(head!) + line(widths.map((width) => '-'.repeat(width))) + body.map(line).join('');
}
