/** The log lines of a real engine that starts, for programs that watch the log. Source: SGLang 0.5.23. */
import type { Clock } from '../../base/core/clock.ts';
import type { SimOptions } from '../engine/options.ts';

/** Receives one line without its line end. */
export type LogSink = (line: string) => void;

const SHARDS = 4;

export class EngineLog {
  readonly #clock: Clock;
  readonly #sink: LogSink;

  constructor(clock: Clock, sink: LogSink) {
    this.#clock = clock;
    this.#sink = sink;
  }

  /** One line with the time before it, as Python's logging prints it. */
  line(text: string): void {
    this.#sink(`[${new Date(this.#clock.wallMs()).toISOString().slice(0, 19).replace('T', ' ')}] ${text}`);
  }

  arguments(options: SimOptions): void {
    const shown = [
      `model_path='${options.modelPath}'`,
      `served_model_name='${options.servedModelName}'`,
      `host='${options.host}', port=${options.port}`,
      `tp_size=${options.tpSize}, dp_size=${options.dpSize}, nnodes=${options.nnodes}, node_rank=${options.nodeRank}`,
      `disaggregation_mode='${options.disaggregationMode}'`,
      `disaggregation_bootstrap_port=${options.disaggregationBootstrapPort}`,
    ];
    this.line(`server_args=ServerArgs(${shown.join(', ')})`);
  }

  /** All nodes connect before they load. */
  meeting({ distInitAddr, nnodes, nodeRank }: SimOptions): void {
    this.line(`Init torch distributed begin. nnodes=${nnodes} node_rank=${nodeRank} dist_init_addr=${distInitAddr}`);
  }

  met(): void {
    this.line('Init torch distributed ends.');
  }

  /** Writes the progress of loading over `durationMs`; resolves when it is over. */
  async load(durationMs: number): Promise<void> {
    this.line('Load weight begin.');
    const progress = (done: number): void =>
      this.#sink(`Loading safetensors checkpoint shards: ${String((done * 100) / SHARDS).padStart(3)}% Completed | ${done}/${SHARDS}`);
    for (let done = 0; done < SHARDS; done++) {
      progress(done);
      if (durationMs > 0) await new Promise<void>((resolve) => this.#clock.after(durationMs / SHARDS, resolve));
    }
    progress(SHARDS);
    this.line(`Load weight end. elapsed=${(durationMs / 1000).toFixed(2)} s, type=LlamaForCausalLM`);
  }

  serving({ kvTokens, chunkedPrefillSize, maxRunningRequests, contextLength }: SimOptions, url: string): void {
    this.line(`KV Cache is allocated. #tokens: ${kvTokens}`);
    this.line(
      `max_total_num_tokens=${kvTokens}, chunked_prefill_size=${chunkedPrefillSize}, max_running_requests=${maxRunningRequests}, context_len=${contextLength}`,
    );
    this.line('INFO:     Application startup complete.');
    this.line(`INFO:     Uvicorn running on ${url} (Press CTRL+C to quit)`);
  }

  ready(): void {
    this.line('The server is fired up and ready to roll!');
  }
}
