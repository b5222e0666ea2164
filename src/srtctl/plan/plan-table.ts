/** A plan as people read it. */
import { needsInWords } from './needs.ts';
import { type Plan, type PlannedBenchmark, type PlannedProcess, TIER_NAMES } from './plan.ts';
import { quoteWord } from './quote-word.ts';

/**
 * What was asked and what runs, every node with its processes and ports, the command of the first process of each role, warnings.
 * Ends with a newline. Everything else is in the plan's JSON.
 */
export function planTable(plan: Plan): string {
  const count = plan.processes.length;
  const parts = [
    `${plan.name}: ${counted(plan.nodes.length, 'node')}, ${counted(count, 'process', 'processes')}\nmodel ${plan.model} at ${plan.endpoint}`,
    columns([['', 'asked', 'runs'], ...plan.counts.map(({ what, asked, runs }) => [what, String(asked), differs(asked, runs)])]),
    columns([['node', 'process', 'tier', 'ports', 'GPUs', 'where'], ...byNode(plan).map(row)]),
    needsInWords(plan),
    ...commands(plan),
    benchmarkLine(plan),
    ...plan.warnings.map((warning) => `warning: ${warning}`),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function differs(asked: number, runs: number): string {
  return asked === runs ? String(runs) : `${runs}  <- ${asked > runs ? 'fewer' : 'more'} than asked`;
}

/** Nodes in order, and on each node the order of starting. */
function byNode(plan: Plan): readonly PlannedProcess[] {
  const order = new Map(plan.nodes.map((node, index) => [node, index]));
  const place = ({ node }: PlannedProcess): number => order.get(node) ?? 0;
  return [...plan.processes].sort((a, b) => place(a) - place(b) || a.tier - b.tier);
}

function row(process: PlannedProcess): readonly string[] {
  const ports = Object.entries(process.ports).map(([purpose, port]) => `${purpose} ${port}`);
  return [
    process.node,
    process.id,
    TIER_NAMES[process.tier] ?? String(process.tier),
    ports.length === 0 ? '-' : ports.join(', '),
    process.gpus.length === 0 ? '-' : ranges(process.gpus),
    process.container ?? 'host',
  ];
}

/** `0-3,6` for 0, 1, 2, 3, 6. */
function ranges(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

function commands(plan: Plan): readonly string[] {
  const seen = new Set<string>();
  return plan.processes.flatMap((process) => {
    if (seen.has(process.role)) return [];
    seen.add(process.role);
    const before = process.before.map(({ argv, cwd }) => `  ${cwd === null ? '' : `(in ${cwd}) `}${argv.map(quoteWord).join(' ')}`);
    return [[`${process.id}:`, ...before, `  ${process.argv.map(quoteWord).join(' ')}`].join('\n')];
  });
}

function benchmarkLine({ benchmark }: Plan): string {
  if (benchmark === null) return 'no benchmark: the fleet stays up until it is cancelled';
  if (benchmark.type === 'custom') return `benchmark: ${benchmark.command}`;
  return `benchmark ${benchmark.type}: ${benchmarkWords(benchmark)}`;
}

function benchmarkWords(benchmark: Exclude<PlannedBenchmark, { readonly type: 'custom' }>): string {
  switch (benchmark.type) {
    case 'sa-bench':
    case 'sglang-bench': {
      const { inputTokens, outputTokens, concurrencies, requestRate } = benchmark;
      const rate = requestRate === null ? 'as fast as the concurrency allows' : `${requestRate} requests a second`;
      return `${inputTokens} tokens in, ${outputTokens} out, concurrency ${concurrencies.join(', then ')}, ${rate}`;
    }
    case 'router':
      return `${benchmark.inputTokens} tokens in, ${benchmark.outputTokens} out, prefixes in common ${benchmark.prefixRatios.join(', then ')}`;
    case 'trace-replay':
    case 'mooncake-router':
      return `${benchmark.trace}, ${benchmark.concurrencies.length === 0 ? 'at its times' : `concurrency ${benchmark.concurrencies.join(', then ')}`}`;
    default:
      return `answers are scored${benchmark.examples === null ? '' : `, ${benchmark.examples} examples`}`;
  }
}

/** Columns two spaces apart, as wide as their widest cell; the last one is not padded. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => rows.reduce((width, cells) => Math.max(width, cells[column]?.length ?? 0), 0));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
