/** Why a job does not run yet, in words. Pure. Source: squeue(1), "job reason codes". */

export interface PendingReason {
  readonly words: string;
  /** It stays so until somebody changes the job or the cluster. */
  readonly isForEver: boolean;
}

const WAITS: Readonly<Record<string, string>> = {
  None: 'SLURM has not looked at it yet',
  Resources: 'waiting for nodes to become free',
  Priority: 'jobs of higher priority are in front of it',
  Dependency: 'waiting for another job (dependency)',
  BeginTime: 'its begin time has not come',
  JobHeldUser: 'held by its user; "scontrol release JOB" lets it go',
  Licenses: 'waiting for a licence',
  Prolog: 'the prolog runs on its nodes',
  Reservation: 'waiting for its reservation to begin',
  ReqNodeNotAvail: 'nodes that it asks for are down, drained or reserved',
  NodeDown: 'a node that it asks for is down',
  PartitionDown: 'the partition is down',
  PartitionInactive: 'the partition is inactive',
  Cleaning: 'an earlier start of it is being cleaned up',
  SystemFailure: 'SLURM itself has a failure',
  FrontEndDown: 'no front end is up',
  BurstBufferResources: 'waiting for burst buffers',
};

const NEVER: Readonly<Record<string, string>> = {
  PartitionNodeLimit: 'it asks for more nodes than the partition has or allows; lower resources.*_nodes or choose another partition',
  PartitionTimeLimit: 'it asks for more time than the partition allows; lower slurm.time_limit or choose another partition',
  PartitionConfig: 'the partition does not allow what it asks for',
  BadConstraints: 'no node has what it asks for; see gpus_per_node and the constraints in sbatch_directives',
  InvalidAccount: 'the account is not valid; see slurm.account',
  InvalidQOS: 'the QOS is not valid; see sbatch_directives.qos',
  AccountNotAllowed: 'the partition does not allow this account; see slurm.account',
  QOSNotAllowed: 'the QOS is not allowed here; see sbatch_directives.qos',
  DependencyNeverSatisfied: 'the job that it waits for has ended otherwise than asked',
  JobHeldAdmin: 'held by an administrator, who alone can release it',
  JobArrayTaskLimit: 'it is part of an array at its limit',
  QOSMaxNodePerJobLimit: 'it asks for more nodes than the QOS allows to one job',
  QOSMaxWallDurationPerJobLimit: 'it asks for more time than the QOS allows to one job; lower slurm.time_limit',
  QOSMaxGRESPerJob: 'it asks for more GPUs than the QOS allows to one job',
  AssocMaxNodePerJobLimit: 'it asks for more nodes than the account allows to one job',
  AssocMaxWallDurationPerJobLimit: 'it asks for more time than the account allows to one job; lower slurm.time_limit',
};

/** `reason`: as SLURM writes it, such as `PartitionNodeLimit` or `ReqNodeNotAvail, UnavailableNodes:node3`. */
export function pendingReason(reason: string): PendingReason {
  const code = /^\w+/.exec(reason)?.[0] ?? '';
  const never = NEVER[code];
  if (never !== undefined) return { words: `it will never start: ${never} (${reason})`, isForEver: true };
  const waits = WAITS[code];
  if (waits !== undefined) return { words: code === 'None' ? waits : `${waits} (${reason})`, isForEver: false };
  if (/^(?:QOS|Assoc).*(?:Limit|Max|Grp)/.test(code))
    return { words: `a limit of its ${code.startsWith('QOS') ? 'QOS' : 'account'} is reached for now (${reason})`, isForEver: false };
  return { words: `SLURM gives the reason ${reason || 'none'}`, isForEver: false };
}
