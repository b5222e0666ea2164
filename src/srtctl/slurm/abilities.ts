/** What the SLURM of this machine has of what not every SLURM has. */
import type { SlurmCommands } from './slurm-commands.ts';

export interface SlurmAbilities {
  /** `sbatch --segment`: from SLURM 23.11. */
  readonly segments: boolean;
  /** `srun --container-image`: pyxis. Nodes may have what a login node has not. */
  readonly containers: boolean;
}

/** A SLURM that does not answer is told when it is asked to take the job. */
export async function askAbilities(commands: SlurmCommands): Promise<SlurmAbilities> {
  const [segments, containers] = await Promise.all([
    hasOption(commands, 'sbatch', '--segment'),
    hasOption(commands, 'srun', '--container-image'),
  ]);
  return { segments, containers };
}

async function hasOption(commands: SlurmCommands, program: string, option: string): Promise<boolean> {
  const { code, stdout } = await commands.run([program, '--help']);
  return code !== 0 || stdout.includes(option);
}
