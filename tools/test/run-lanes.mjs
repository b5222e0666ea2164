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
    const result = await runTestFile({ ...run, stopped, file: compiled(file), mark: `${run.mark}${number++}/` });
    if (result !== null && !run.signal.aborted) report.ended(file, result);
  };
  const lane = (name) => files.filter((file) => laneOf(file) === name);
  const phase = async (name, work) => {
    const beganMs = performance.now();
    await work();
    report.phase(name, beganMs);
  };
  await phase('tests', () => Promise.all([pool(lane('ordinary'), run.width, runOne), pool(lane('slurm'), 1, runOne)]));
  const ofTime = lane('time');
  if (ofTime.length > 0) await phase('tests of time', () => pool(ofTime, 1, runOne));
}
