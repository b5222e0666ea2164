/** Puts what the symbols of a plan stand for in their place; nothing else in a text is touched. */
import { isIPv6 } from 'node:net';

export interface SymbolValues {
  /** Addresses by node of the plan (`n0`, `infra`...), without brackets. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Absolute run directory. */
  readonly run: string;
  readonly job: string;
  readonly nodeBinary: string;
  /** Absolute directory of this package. */
  readonly package: string;
}

const SYMBOL = /<(?:node(\d{1,6})|(infra|client)|(run|job|namespace|node-binary|package))>(?=(:?))/g;

/** An IPv6 address gets brackets where a `:` follows its symbol. A node that does not exist stays as it is. */
export function bindSymbols(text: string, values: SymbolValues): string {
  if (!text.includes('<')) return text;
  return text.replace(
    SYMBOL,
    (symbol: string, node: string | undefined, own: string | undefined, word: string | undefined, colon: string) => {
      if (node !== undefined || own !== undefined) {
        const address = values.addresses.get(own ?? `n${Number(node)}`);
        if (address === undefined) return symbol;
        return colon === ':' && isIPv6(address) ? `[${address}]` : address;
      }
      switch (word) {
        case 'run':
          return values.run;
        case 'job':
          return values.job;
        case 'namespace':
          return namespaceOf(values.job);
        case 'node-binary':
          return values.nodeBinary;
        case 'package':
          return values.package;
        default:
          return symbol;
      }
    },
  );
}

/** Of a run in Dynamo, where a `.` would end the name. */
function namespaceOf(job: string): string {
  return `srtctl-${job.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`;
}
