/** What clients of a simulated fleet ask, as plain data: sizes and seeds, no text. */

/** Text by its seed: pieces of one seed have the same words, so their beginnings are equal. */
export interface Piece {
  readonly seed: number;
  readonly tokens: number;
}

/** A request of a conversation. Its prompt is all that came before, the answers included, and these pieces behind it. */
export interface Turn {
  /** From the end of the answer before it (of the first turn: from the start of the conversation). */
  readonly afterMs: number;
  readonly pieces: readonly Piece[];
  readonly answerTokens: number;
}

/** One client: its turns follow each other. A request without a second turn is a conversation too. */
export interface Conversation {
  readonly atMs: number;
  readonly turns: readonly Turn[];
}

/** A change of the fleet. Workers are numbered from 0; those of the start come first, those that join follow. */
export type FleetChange =
  | { readonly atMs: number; readonly what: 'leave'; readonly worker: number }
  | { readonly atMs: number; readonly what: 'join' };

export interface Traffic {
  readonly name: string;
  readonly conversations: readonly Conversation[];
  readonly changes: readonly FleetChange[];
}
