/** Turns chat messages into prompt tokens. Source: the template of the recorded model (ChatML). */
import { encode, IM_END, IM_START, joinTokens } from '../scheduling/tokens.ts';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** A message of a request, unchecked; its role is `user` if it names none. */
export function readMessage(message: unknown): ChatMessage {
  const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
  return { role: typeof role === 'string' ? role : 'user', content: contentText(content) };
}

export function chatPrompt(messages: readonly ChatMessage[]): Uint16Array {
  const parts: Uint16Array[] = [];
  const start = Uint16Array.of(IM_START);
  const end = Uint16Array.of(IM_END);
  for (const { role, content } of messages) parts.push(start, encode(`${role}\n${content}`), end, encode('\n'));
  parts.push(start, encode('assistant\n'));
  return joinTokens(parts);
}

/** Text of a message's content: a string, or the `text` of its parts. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => {
      if (typeof part === 'string') return part;
      const { text } = (part ?? {}) as { text?: unknown };
      return typeof text === 'string' ? text : '';
    })
    .join('');
}
