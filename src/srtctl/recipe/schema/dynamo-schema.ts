/** Keys of `dynamo` and `infra`. */
import { DEFAULTS } from './defaults.ts';
import { block, count, oneOf, text, texts, yesNo } from './fields.ts';

export const DYNAMO = block('Dynamo mode', {
  install: yesNo({ describe: 'Install the package in each container before it is used', standard: true }),
  version: text({ describe: 'Version of the package that is installed', standard: DEFAULTS.dynamoVersion }),
  hash: text({ describe: 'Commit of the repository that is built and installed, instead of a version' }),
  top_of_tree: yesNo({ describe: 'The newest commit of the repository, instead of a version', standard: false }),
  wheel: text({ describe: 'Version of a nightly build, or a wheel, instead of a version' }),
  cargo_patches: texts('With hash: lines of TOML that replace dependencies in every Cargo.toml before the build', 'text'),
  source: block('The same in one block, as recipes of schema 2 have it', {
    git: text({ describe: 'Repository', standard: DEFAULTS.dynamoRepository }),
    rev: text({ describe: 'Commit, tag or refs/pull/N/head' }),
    sha: text({ describe: 'The commit that rev meant when the recipe was applied' }),
    top_of_tree: yesNo({ describe: 'The newest commit', standard: false }),
    patches: texts('As cargo_patches', 'text'),
    pypi: text({ describe: 'As version' }),
    wheel: text({ describe: 'As wheel' }),
  }),
  sidecar: yesNo({
    describe: 'Engines with sidecars are not available: the Python workers of Dynamo run, with a warning',
    standard: false,
  }),
  request_plane: oneOf(['tcp', 'nats', 'http'], { describe: 'How requests travel to workers', standard: 'tcp' }),
  event_plane: oneOf(['nats', 'zmq'], { describe: 'How events travel; zmq listens on all addresses of a node', standard: 'nats' }),
  etcd_port: count(1, { describe: 'Port of etcd on node 0; the next one is for its peers', standard: DEFAULTS.etcdPort }, 65_534),
  nats_port: count(
    1,
    { describe: 'Port of NATS on node 0; the one 4000 higher is for its monitoring', standard: DEFAULTS.natsPort },
    61_535,
  ),
  worker_port: count(
    1,
    { describe: 'Port of the first worker of a node for health and metrics; others have the next ones', standard: DEFAULTS.workerPort },
    65_535,
  ),
  mocker_model: text({
    describe: 'Directory with tokenizer.json, tokenizer_config.json and config.json for simulated engines, the same on every node',
    whenUnset: 'a small one of this package, one token for each byte',
  }),
});

export const INFRA = block('Dynamo mode: etcd and NATS', {
  etcd_nats_dedicated_node: yesNo({
    describe: 'They have a node to themselves, the first one of the job; node 0 and the placement of frontends count the others',
    standard: false,
  }),
  nats_max_payload_mb: count(1, { describe: 'Largest message of NATS, in MB', whenUnset: "NATS's own, 1" }, 64),
});
