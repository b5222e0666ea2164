/** The members of a request body that matter to a pair: those that the router writes, and those that say what the request is. */
import { FieldNames } from '../../wire/json/field-names.ts';

/** In this order the scan numbers them: `FIELD.rid` is the index of 'rid'. */
const NAMES = [
  'bootstrap_host',
  'bootstrap_port',
  'bootstrap_room',
  'bootstrap_pair_key',
  'data_parallel_rank',
  'routed_dp_rank',
  'disagg_prefill_dp_rank',
  'rid',
  'text',
  'input_ids',
  'input_embeds',
  'prompt',
  'n',
  'sampling_params',
  'return_logprob',
  'logprobs',
  'echo',
  'return_routed_experts',
  'return_hidden_states',
  'return_indexer_topk',
] as const;

type FieldName = (typeof NAMES)[number];

/** Index of each field in a `MemberRecord` over PAIR_FIELDS. */
export const FIELD: Readonly<Record<FieldName, number>> = Object.fromEntries(NAMES.map((name, index) => [name, index])) as Record<
  FieldName,
  number
>; // every name is a key

export const PAIR_FIELDS: FieldNames = new FieldNames(NAMES);
