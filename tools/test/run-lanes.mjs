// Runs test files in their lanes and passes each result to the report.
import { compiled, laneOf } from './select.mjs';
import { runTestFile } from './test-process.mjs';

/** Runs `work` on all of `items`, `width` at a time. */
async function pool(items, width, work) {
  const rest = [...items];
  const one = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, one));
}

/**
 * `run`: { root, mark, args, env, signal, width }; `width` is the number of ordinary files that run at a time.
 * After `signal` is aborted it starts no file and reports no result.
 */
export async function runLanes(files, run, report) {
  let number = 0;
  const stopped = new Promise((resolve) => run.signal.addEventListener('abort', () => resolve(null)));
  const runOne = async (file) => {
    if (run.signal.aborted) return;
    report.begun(file);
    const isUrgent = laneOf(file) === 'time';
    const result = await runTestFile({ ...run, stopped, isUrgent, file: compiled(file), mark: `${run.mark}${number++}/` });
    if (result !== null && !run.signal.aborted) report.ended(file, result);
  };
  const lane = (name, width) =>
    pool(
      files.filter((file) => laneOf(file) === name),
      width,
      runOne,
    );
  let beganMs = performance.now();
  await Promise.all([lane('ordinary', run.width), lane('slurm', 1)]);
  report.phase('tests', beganMs);
  beganMs = performance.now();
  await lane('time', 1);
  report.phase('tests of time', beganMs);
}
