/** The data-parallel rank of a prefill engine that a room belongs to. */

/** Used when the request names no rank. `room`: decimal digits, perhaps with a minus. Source: SGLang, follow_bootstrap_room. */
export function rankOfRoom(room: string, ranks: number): number {
  const count = BigInt(ranks);
  return Number(((BigInt(room) % count) + count) % count);
}
