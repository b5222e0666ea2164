/** What a reader made of a stream of bytes, in a form that two readers can be compared by. */

export interface ReadMessage {
  /** `METHOD target` of a request, `status reason` of a response; the target in origin-form. */
  readonly start: string;
  /** Flat: lower-case name, value. */
  readonly fields: readonly string[];
  /** latin1. */
  readonly body: string;
}

/**
 * How a reading ended. `complete`: right after a message. `closed`: after a message that ends the connection, what follows is not
 * read. `partial`: within a message. `refused`: at bytes that the reader does not accept.
 */
export type ReadingEnd = 'complete' | 'closed' | 'partial' | 'refused';

export interface Reading {
  readonly messages: readonly ReadMessage[];
  readonly end: ReadingEnd;
  /** The broken rule when refused; empty otherwise. */
  readonly why: string;
}
