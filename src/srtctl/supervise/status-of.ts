/** How a run stands, as status.json tells it. Pure. */
import type { NodeBinding } from '../launch/launcher.ts';
import { EXIT_CODES, type ProcessStatus, type StatusFile } from './run-directory.ts';
import type { RunMachine } from './run-machine.ts';

/** What does not change while the run lasts. */
export interface RunIdentity {
  readonly id: string;
  readonly name: string;
  readonly supervisor: StatusFile['supervisor'];
  /** By the wall clock. */
  readonly startedAtMs: number;
  /** Added to the times of the machine it gives the wall clock's. */
  readonly offsetMs: number;
}

/** `site`: null before it is open. `endedAtMs`: null while the run lasts. */
export function statusOf(
  machine: RunMachine,
  identity: RunIdentity,
  site: { readonly nodes: readonly NodeBinding[]; readonly endpoint: string } | null,
  nowWallMs: number,
  endedAtMs: number | null,
): StatusFile {
  const isOver = machine.state === 'ended' && machine.outcome !== null;
  const iso = (wallMs: number | null): string | null => (wallMs === null ? null : new Date(wallMs).toISOString());
  const at = (ms: number | null): string | null => iso(ms === null ? null : ms + identity.offsetMs);
  return {
    version: 1,
    id: identity.id,
    name: identity.name,
    state: machine.state,
    tier: machine.tier,
    outcome: isOver ? machine.outcome : null,
    exitCode: isOver && machine.outcome !== null ? EXIT_CODES[machine.outcome] : null,
    startedAt: new Date(identity.startedAtMs).toISOString(),
    updatedAt: new Date(nowWallMs).toISOString(),
    endedAt: iso(endedAtMs),
    endpoint: site?.endpoint ?? null,
    nodes: site?.nodes ?? [],
    supervisor: identity.supervisor,
    processes: [...machine.records.values()].map(
      (record): ProcessStatus => ({
        id: record.id,
        role: record.planned.role,
        node: record.planned.node,
        tier: record.planned.tier,
        state: record.state,
        pid: record.pid,
        log: record.planned.log,
        detail: record.detail,
        lastLine: record.lastLine,
        startedAt: at(record.startedAtMs),
        readyAt: at(record.readyAtMs),
        silentSince: record.isSilent && record.state === 'ready' ? at(record.answeredAtMs) : null,
        endedAt: at(record.endedAtMs),
        exitCode: record.end?.code ?? null,
        signal: record.end?.signal ?? null,
      }),
    ),
    report: machine.report,
  };
}
