/** How many slots each class keeps for itself, from its rules and the number of slots that there are now. Pure. */

export interface ReservationRules {
  /** Slots, whatever their number. */
  readonly floor: number;
  /** Of all slots, 0 to 1. */
  readonly share: number;
}

/**
 * By rank, highest class first: the larger of floor and share. Floors that together are more than there are slots were written for a
 * larger fleet: they shrink in proportion until they take half. One slot at least is kept by nobody; where shares ask for more than that, the
 * lowest classes lose first.
 */
export function reservedSlots(rules: readonly ReservationRules[], slots: number): readonly number[] {
  const floors = rules.reduce((sum, { floor }) => sum + floor, 0);
  const scale = floors === 0 || floors < slots ? 1 : slots / 2 / floors;
  let left = Math.max(0, slots - 1);
  return rules.map(({ floor, share }) => {
    const wanted = Math.max(Math.floor(floor * scale), Math.ceil(share * slots));
    const kept = Math.min(wanted, left);
    left -= kept;
    return kept;
  });
}
