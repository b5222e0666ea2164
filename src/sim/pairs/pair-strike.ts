/** Scripted faults at the places of a pair. */
import type { Engine } from '../engine/engine.ts';
import type { Generation } from '../scheduling/generation.ts';
import type { PairPlace } from '../scheduling/pair-spec.ts';

/** Applies the scripted fault of `generation` at `place`; calls `proceed` if the request continues. */
export function strikePair(engine: Engine, generation: Generation, place: PairPlace, proceed: () => void): void {
  const fault = generation.spec.pair?.fault ?? null;
  if (fault === null || fault.at !== place) {
    proceed();
    return;
  }
  switch (fault.kind) {
    case 'delay':
      engine.clock.after(fault.delayMs, () => {
        if (generation.stage !== 'ended') proceed();
      });
      return;
    case 'abort':
      engine.tell(generation, (scheduler) => scheduler.abort(generation, 'Aborted by a scripted fault.', 500));
      return;
    case 'die':
      engine.die(0);
      return;
    default:
      // hang: the request stays where it is.
      return;
  }
}
