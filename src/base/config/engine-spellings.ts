/** Flags of SGLang that have several spellings: what srtctl reads in a recipe and what the simulated engine takes. */

/** Without dashes, the name that SGLang documents first. Source: SGLang's server_args.py. */
export const ENGINE_SPELLINGS = {
  tensor: ['tensor-parallel-size', 'tp-size', 'tp'],
  pipeline: ['pipeline-parallel-size', 'pp-size', 'pp'],
  data: ['data-parallel-size', 'dp-size', 'dp'],
  expert: ['expert-parallel-size', 'ep-size', 'ep'],
  modelPath: ['model-path', 'model'],
  distInitAddr: ['dist-init-addr', 'nccl-init-addr'],
} as const;
