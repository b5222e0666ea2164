/** How srtctl ends. The numbers are part of its interface; docs/srtctl.md explains each. */
export const EXIT = {
  ok: 0,
  /** The recipe, the cluster file or the command line is wrong; nothing was started. */
  recipe: 2,
  submit: 3,
  start: 4,
  readiness: 5,
  benchmark: 6,
  /** A critical process died or a node was lost while everything ran. */
  running: 7,
  /** A bug of srtctl (what sysexits.h calls EX_SOFTWARE). */
  bug: 70,
  cancelled: 130,
} as const;
