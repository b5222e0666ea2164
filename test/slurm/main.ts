/** `npm run slurm`: the cluster of the tests, kept up for work by hand until Ctrl-C. */
import { SlurmCluster, whyNoCluster } from './cluster.ts';

const why = await whyNoCluster();
if (why !== null) {
  process.stderr.write(`no SLURM cluster can run here: ${why}\n`);
  process.exit(1);
}
const cluster = await SlurmCluster.start();
process.stdout.write(`export SLURM_CONF=${cluster.env['SLURM_CONF']}\n`);
process.stderr.write('four idle nodes; Ctrl-C ends their jobs and removes them\n');
const hold = setInterval(() => {}, 60_000);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    clearInterval(hold);
    void cluster.stop().then(() => process.exit(0));
  });
}
