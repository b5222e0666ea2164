/** The configuration of a SLURM cluster whose nodes are all this machine. Source: slurm.conf(5), gres.conf(5), as of SLURM 22.05. */

export interface ClusterShape {
  /** Absolute state directory, without spaces. */
  readonly directory: string;
  /** Short name of this host. */
  readonly host: string;
  readonly controllerPort: number;
  readonly nodes: readonly ClusterNode[];
}

export interface ClusterNode {
  readonly name: string;
  /** Loopback address that stands for the node: its services listen there and nowhere else. */
  readonly address: string;
  /** Of its slurmd, which listens on all addresses. */
  readonly port: number;
}

const GPUS_PER_NODE = 4;

/**
 * Small times make failures show within a test. KillWait differs from SLURM's own default (30), so that whoever assumes the default is
 * found out. Memory is given out as on production clusters: a step that asks for none would take all of it.
 */
export function slurmConf({ directory, host, controllerPort, nodes }: ClusterShape): string {
  const names = nodes.map(({ name }) => name).join(',');
  const lines = [
    'ClusterName=test',
    `SlurmctldHost=${host}(127.0.0.1)`,
    `SlurmctldPort=${controllerPort}`,
    'SlurmUser=root',
    'SlurmdUser=root',
    'AuthType=auth/munge',
    'CredType=cred/munge',
    `AuthInfo=socket=${directory}/munge.socket`,
    // The controller listens on 127.0.0.1 alone. With NoInAddrAny every slurmd would listen on the host's address, and no job would start.
    'CommunicationParameters=NoCtldInAddrAny',
    `StateSaveLocation=${directory}/controller`,
    `SlurmdSpoolDir=${directory}/spool-%n`,
    `SlurmctldPidFile=${directory}/slurmctld.pid`,
    `SlurmdPidFile=${directory}/slurmd-%n.pid`,
    `SlurmctldLogFile=${directory}/slurmctld.log`,
    `SlurmdLogFile=${directory}/slurmd-%n.log`,
    // No control groups in a container: processes are followed by their parents.
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'JobAcctGatherType=jobacct_gather/none',
    'AccountingStorageType=accounting_storage/none',
    'JobCompType=jobcomp/none',
    'SwitchType=switch/none',
    'MpiDefault=none',
    'ReturnToService=2',
    'SlurmdParameters=config_overrides',
    'SchedulerType=sched/backfill',
    'SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=2',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_Core_Memory',
    'GresTypes=gpu',
    'KillWait=8',
    'SlurmdTimeout=30',
    'InactiveLimit=0',
    'JobRequeue=1',
    ...nodes.map(
      ({ name, address, port }) =>
        `NodeName=${name} NodeHostname=${host} NodeAddr=${address} Port=${port} CPUs=64 RealMemory=64000 Gres=gpu:${GPUS_PER_NODE} State=UNKNOWN`,
    ),
    `PartitionName=batch Nodes=${names} Default=YES MaxTime=INFINITE DefaultTime=60 State=UP OverSubscribe=NO`,
    `PartitionName=short Nodes=${names} MaxTime=5 DefaultTime=5 State=UP`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Links to /dev/null stand for GPUs. */
export function gresConf({ directory, nodes }: ClusterShape): string {
  return nodes.map(({ name }) => `NodeName=${name} Name=gpu File=${directory}/gpu[0-${GPUS_PER_NODE - 1}]\n`).join('');
}
