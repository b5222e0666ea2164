/**
 * Ends the process if this Node.js is too old, before any other file is read: those use syntax that older versions reject with an error
 * that helps nobody. Nothing here may be newer than Node.js 12.
 */
const OLDEST = [20, 19];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST[0]! || (major === OLDEST[0] && minor < OLDEST[1]!)) {
  process.stderr.write(`error: needs Node.js >= ${OLDEST.join('.')}, this is ${process.versions.node} (${process.execPath})\n`);
  process.exit(1);
}
