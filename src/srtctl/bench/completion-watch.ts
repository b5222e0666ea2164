/** Turns the bytes of one answer and their times into a sample. Pure: times are given. */
import { EventParser, type SseEvent } from '../../wire/sse/event-parser.ts';
import type { Sample } from './sample.ts';

const OK = 200;
/** Of an error body, for the message. */
const MAX_ERROR_BYTES = 2000;
const MAX_MESSAGE = 300;

interface Usage {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
  readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null;
}

/** `text` of a completion, `delta` of a chat; reasoning is text, too. */
interface Choice {
  readonly text?: unknown;
  readonly delta?: { readonly content?: unknown; readonly reasoning_content?: unknown };
  readonly finish_reason?: unknown;
}

/** What is read of an event; everything is optional because another program wrote it. */
interface CompletionEvent {
  readonly choices?: readonly Choice[];
  readonly usage?: Usage | null;
  readonly error?: unknown;
  readonly message?: unknown;
  readonly object?: unknown;
}

/**
 *   waiting ──head(200)──> streaming ──text...──> finish ──[DONE]──> end(): completed
 *      └─head(other)─> refused ──end()──> failed          any ──fail()/cut()──> failed/cut
 *
 * An answer is complete when an event named a finish reason or `[DONE]` came; an end before that is a failure.
 */
export class CompletionWatch {
  readonly #asked: { readonly inputTokens: number; readonly outputTokens: number };
  readonly #startMs: number;
  readonly #parser: EventParser;
  #status = 0;
  #refusal = '';
  #nowMs = 0;
  #firstMs: number | null = null;
  #lastMs: number | null = null;
  readonly #gapsMs: number[] = [];
  #inputTokens: number | null = null;
  #outputTokens: number | null = null;
  #cachedTokens: number | null = null;
  #isFinished = false;
  #error: string | null = null;

  constructor(asked: { readonly inputTokens: number; readonly outputTokens: number }, startMs: number) {
    this.#asked = asked;
    this.#startMs = startMs;
    this.#parser = new EventParser({ onEvent: (event) => this.#event(event) });
  }

  head(status: number): void {
    this.#status = status;
  }

  data(chunk: Buffer, nowMs: number): void {
    if (this.#status === OK) {
      this.#nowMs = nowMs;
      this.#parser.push(chunk);
    } else if (this.#refusal.length < MAX_ERROR_BYTES) this.#refusal += chunk.toString('utf8', 0, MAX_ERROR_BYTES);
  }

  end(): Sample {
    if (this.#status !== OK) return this.fail(`HTTP ${this.#status}: ${messageOf(this.#refusal)}`);
    if (this.#error !== null) return this.fail(this.#error);
    if (!this.#isFinished) return this.fail('the stream ended before its last event');
    if (this.#firstMs === null) return this.fail('the answer holds no text');
    return this.#sample(null, false);
  }

  fail(error: string): Sample {
    return this.#sample(error.slice(0, MAX_MESSAGE), false);
  }

  cut(): Sample {
    return this.#sample(null, true);
  }

  #event({ data }: SseEvent): void {
    if (data === '[DONE]') {
      this.#isFinished = true;
      return;
    }
    let event: CompletionEvent;
    try {
      event = JSON.parse(data) as CompletionEvent;
    } catch {
      // Counted against the answer: an engine that sends broken events must not pass.
      this.#error ??= `an event is not JSON: ${data.slice(0, 100)}`;
      return;
    }
    if (event.error !== undefined && event.error !== null) this.#error ??= messageOf(data);
    else if (event.object === 'error') this.#error ??= messageOf(data);
    if (event.usage) this.#usage(event.usage);
    const choice = event.choices?.[0];
    if (choice === undefined) return;
    const { text, delta } = choice;
    if ([text, delta?.content, delta?.reasoning_content].some((piece) => typeof piece === 'string' && piece !== '')) this.#text();
    if (typeof choice.finish_reason === 'string') {
      this.#isFinished = true;
      if (choice.finish_reason === 'abort') this.#error ??= 'the engine aborted the answer';
    }
  }

  #usage({ prompt_tokens, completion_tokens, prompt_tokens_details }: Usage): void {
    this.#inputTokens = this.#count('prompt_tokens', prompt_tokens) ?? this.#inputTokens;
    this.#outputTokens = this.#count('completion_tokens', completion_tokens) ?? this.#outputTokens;
    this.#cachedTokens = this.#count('cached_tokens', prompt_tokens_details?.cached_tokens) ?? this.#cachedTokens;
  }

  /** A number that cannot be a count would spoil every rate: the answer fails. */
  #count(name: string, value: unknown): number | null {
    if (value === undefined || value === null) return null;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    this.#error ??= `usage.${name} is ${JSON.stringify(value)}, expected a whole number from 0`;
    return null;
  }

  #text(): void {
    if (this.#firstMs === null) this.#firstMs = this.#nowMs;
    else this.#gapsMs.push(this.#nowMs - (this.#lastMs ?? this.#nowMs));
    this.#lastMs = this.#nowMs;
  }

  #sample(error: string | null, isCut: boolean): Sample {
    return {
      startMs: this.#startMs,
      firstMs: this.#firstMs,
      lastMs: this.#lastMs,
      gapsMs: this.#gapsMs,
      askedInputTokens: this.#asked.inputTokens,
      askedOutputTokens: this.#asked.outputTokens,
      inputTokens: this.#inputTokens ?? this.#asked.inputTokens,
      outputTokens: this.#outputTokens ?? (this.#firstMs === null ? 0 : this.#gapsMs.length + 1),
      cachedTokens: this.#cachedTokens ?? 0,
      isCounted: this.#outputTokens !== null,
      error,
      isCut,
    };
  }
}

/** The message inside an error of the OpenAI form, or of SGLang's, or the text itself. */
function messageOf(text: string): string {
  try {
    const body = JSON.parse(text) as { error?: { message?: unknown } | string; message?: unknown };
    const inner = typeof body.error === 'object' ? body.error?.message : (body.error ?? body.message);
    if (typeof inner === 'string') return inner;
  } catch {
    // Not JSON: the text says it as it is.
  }
  return text.replaceAll(/\s+/g, ' ').trim() || 'no body';
}
