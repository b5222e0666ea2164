/** One word of a command line as a POSIX shell would have to read it. */

/** As it stands if it has only harmless characters (node symbols are harmless to readers), otherwise in single quotes. */
export function quoteWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./<>-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
