/** Defaults of settings that several places need. */
export const DEFAULTS = {
  additionalFrontends: 9,
  gpusPerNode: 4,
  healthAttempts: 180,
  healthIntervalSeconds: 10,
  silenceSeconds: 300,
  promptsMultiplier: 10,
  warmupMultiplier: 2,
  rangeRatio: 0.8,
  nginxContainer: 'nginx:1.27.4',
  affinityHeader: 'X-Session-ID',
  keepaliveTimeout: '600s',
  publicPort: 8000,
  routerPort: 30080,
  etcdPort: 2379,
  natsPort: 4222,
  /** Of Dynamo's workers; SGLang's own have ports by their flags. */
  workerPort: 7500,
  /** Of ai-dynamo where a recipe names none: what srt-slurm installs, so that plans stay equal. */
  dynamoVersion: '0.8.0',
  dynamoRepository: 'https://github.com/ai-dynamo/dynamo.git',
  nsysTrace: 'cuda,nvtx',
  profiledSteps: [0, 50],
} as const;
