// docs/layers.md: the import table, drawn.
import { LAYERS, PURE, TOP } from '../layers.mjs';

/** 0: imports nothing; else one above the highest folder it imports. */
const level = (folder) => Math.max(-1, ...LAYERS[folder].imports.map(level)) + 1;

function drawing() {
  const folders = Object.keys(LAYERS);
  const top = Math.max(...folders.map(level));
  const width = Math.max(...[...TOP, ...folders].map((name) => name.length)) + 2;
  const rows = [TOP, ...Array.from({ length: top + 1 }, (_, i) => folders.filter((folder) => level(folder) === top - i))];
  const lines = rows.map((row) =>
    row
      .map((name) => name.padEnd(width))
      .join('')
      .trimEnd(),
  );
  return lines
    .map((line, i) => `    ${line}${i === 0 ? '      (import everything; nothing imports them)' : ''}`)
    .join(`\n    ${'-'.repeat(72)}\n`);
}

export function outputs() {
  const names = (list) => list.map((name) => `\`${name}\``).join(', ') || '-';
  const rows = Object.entries(LAYERS).map(
    ([folder, { imports, uses, what }]) =>
      `| \`${folder}\` | ${what} | ${names(imports)} | ${PURE.includes(folder) ? '`Buffer` only' : names(uses)} |`,
  );
  const text = `# Layers

<!-- Written by tools/generate.mjs from tools/layers.mjs. Do not edit. -->

A folder of \`src\` may import folders below it, and only those in its row of the table. \`router/proxy\` and \`router/control\` never import each other:
they meet in \`base/core\` (fleet, load, outcome), and \`router/compose.ts\` wires them.

${drawing()}

| Folder | What it is | May import, besides itself | May use from outside |
|---|---|---|---|
${rows.join('\n')}

${names(PURE)} are pure: no I/O, no clock, no random numbers. Only \`base/runtime\` reads the machine's clock, sets timers and draws random
numbers; everything else takes a \`Clock\` or an \`Rng\`. Tests may import anything.

The linter's rules (\`biome.json\`) are generated from the same table. \`test/planted\` holds one violation of each rule; a test checks that the linter reports
every one. Another test checks that every entry of the table is used.
`;
  return [{ file: 'docs/layers.md', text }];
}
