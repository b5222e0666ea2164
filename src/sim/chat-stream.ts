/** A streamed chat answer: a role event, text events, an event with the finish reason, usage if asked. Source: recorded from SGLang 0.5.23. */
import type { Call } from './call.ts';
import type { Generation } from './generation.ts';
import { QUEUE_FULL } from './job.ts';
import { chatLogprobs, finishName, matchedStop, streamFailure, usageOf } from './openai-answers.ts';
import { toJson } from './python-json.ts';

export interface ChatRequest {
  readonly model: string;
  readonly samples: number;
  readonly withUsage: boolean;
  readonly withUsageAlways: boolean;
  /** -1: no log probabilities. */
  readonly topLogprobs: number;
}

export class ChatStream {
  readonly #call: Call;
  readonly #chat: ChatRequest;
  readonly #created: number;
  /** By index: characters and tokens sent; absent before the role event. */
  readonly #sent = new Map<number, { text: number; tokens: number }>();
  readonly #ended: Generation[] = [];

  constructor(call: Call, chat: ChatRequest) {
    this.#call = call;
    this.#chat = chat;
    this.#created = call.engine.nowSec();
  }

  advanced(generation: Generation): void {
    this.#writeText(generation);
  }

  ended(generation: Generation): void {
    this.#writeText(generation);
    this.#ended[generation.spec.index] = generation;
  }

  allEnded(): void {
    const { answer, engine } = this.#call;
    for (const generation of this.#ended) {
      const { finish } = generation;
      if (finish?.type === 'abort' && finish.status !== null) {
        answer.startStream();
        answer.event(streamFailure(finish.message, finish.status));
        answer.event('[DONE]');
        answer.endStream();
        return;
      }
      const matched = JSON.stringify(matchedStop(finish));
      answer.event(this.#event(generation, `"reasoning_content":null`, 'null', `"${finishName(finish)}"`, matched));
    }
    if (this.#chat.withUsage) {
      const usage = toJson(usageOf(engine, this.#ended, this.#chat.samples, true));
      answer.event(`{${this.#head(this.#ended[0]!)},"choices":[],"usage":${usage}}`);
    }
    answer.event('[DONE]');
    answer.endStream();
  }

  refused(): void {
    const { answer } = this.#call;
    answer.startStream();
    answer.event(streamFailure(QUEUE_FULL, 503));
    answer.event('[DONE]');
    answer.endStream();
  }

  #writeText(generation: Generation): void {
    const { answer } = this.#call;
    let sent = this.#sent.get(generation.spec.index);
    if (sent === undefined) {
      sent = { text: 0, tokens: 0 };
      this.#sent.set(generation.spec.index, sent);
      answer.startStream();
      answer.event(this.#event(generation, '"reasoning_content":null,"role":"assistant","content":""', 'null', 'null', 'null'));
    }
    if (generation.text.length <= sent.text) return;
    const delta = generation.text.slice(sent.text);
    const logprobs = this.#chat.topLogprobs < 0 ? 'null' : toJson(chatLogprobs(generation, sent.tokens, this.#chat.topLogprobs));
    sent.text = generation.text.length;
    sent.tokens = generation.outputIds.length;
    answer.event(this.#event(generation, `"reasoning_content":null,"content":${JSON.stringify(delta)}`, logprobs, 'null', 'null', true));
  }

  #head(generation: Generation): string {
    const { model } = this.#chat;
    return `"id":"${generation.spec.rid}","object":"chat.completion.chunk","created":${this.#created},"model":${JSON.stringify(model)}`;
  }

  #event(generation: Generation, delta: string, logprobs: string, finish: string, matched: string, isText = false): string {
    const usage = isText && this.#chat.withUsageAlways ? `,"usage":${toJson(usageOf(this.#call.engine, [generation], 1, true))}` : '';
    return `{${this.#head(generation)},"choices":[{"index":${generation.spec.index},"delta":{${delta}},"logprobs":${logprobs},"finish_reason":${finish},"matched_stop":${matched}}]${usage}}`;
  }
}
