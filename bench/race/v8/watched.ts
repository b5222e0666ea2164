/**
 * For `--old-node`: a router that holds the young generation near 16 MiB. V8 shrinks it to an eighth when the router idles; a look at its
 * size four times a second lets it grow in one step, and then no further.
 *
 *   small, GROWTH times -- under load --> YOUNG_BYTES, no further -- idle, then load --> small
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { applyOnly } from './apply-only.ts';

const YOUNG_BYTES = 16 * 1024 * 1024;
const GROWTH = 8;
const WATCH_MS = 250;

const set = applyOnly(['--no-parallel-scavenge']);

function watch(): void {
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? YOUNG_BYTES;
  // V8 gives back the half that is empty whenever it collects everything: that alone is no shrinking.
  set(`--semi-space-growth-factor=${young < YOUNG_BYTES / 2 ? GROWTH : 1}`);
}

watch();
setInterval(watch, WATCH_MS).unref();
