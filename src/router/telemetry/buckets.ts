/** Upper bounds of the histograms, in seconds. */

/** Requests and first tokens. Source: sglang_router 0.3.2 up to 240 s, smg above it; `--prometheus-duration-buckets` replaces it. */
export const DURATION_BUCKETS: readonly number[] = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 45, 60, 90, 120, 180, 240, 300, 480, 900, 1800, 3600,
];

/** Time between two events of one stream: finer where engines decode (5 to 50 ms), and never replaced. */
export const INTER_TOKEN_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10,
];

/** Pauses for garbage collection. Source: prom-client. */
export const COLLECTION_BUCKETS: readonly number[] = [0.001, 0.01, 0.1, 1, 2, 5];
