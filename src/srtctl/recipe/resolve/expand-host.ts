/** Paths of the machine that srtctl runs on: `$NAME`, `${NAME}` and a leading `~` mean what they mean in a shell, nothing else does. */

/** Variables of srtctl's own environment. */
export type Variables = Readonly<Record<string, string | undefined>>;

export type Expanded = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly missing: string };

export function expandHostPath(text: string, variables: Variables): Expanded {
  let missing: string | null = null;
  const variable = (name: string): string => {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) missing ??= name;
    return value ?? '';
  };
  const home = /^~(?=\/|$)/.test(text) ? variable('HOME') + text.slice(1) : text;
  const path = home.replace(/\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g, (_, braced?: string, bare?: string) =>
    variable(braced ?? bare ?? ''),
  );
  return missing === null ? { ok: true, path } : { ok: false, missing };
}
