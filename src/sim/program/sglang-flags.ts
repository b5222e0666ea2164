/** The flags of SGLang's launch command, so that a launch command runs here unchanged and a typo is an error. */
import { SERVER_INFO_KEYS } from '../api/server-info-keys.ts';

/** Flags that the server info of SGLang 0.5.23 does not show under their own name: short forms, and flags of other versions. */
const OTHERS = `
  --allow-auto-truncate --attn-cp --cp --config --crash-dump-folder --cuda-graph-bs --cuda-graph-max-bs --data-parallel-size --deepep-mode
  --disable-cuda-graph --enable-deepep-moe --enable-ep-moe --enable-flashinfer-mla --enable-flashinfer-moe --enable-flashinfer-trtllm-moe
  --enable-metrics --enable-mixed-chunk --enable-nan-detection --enable-p2p-check --enable-torch-compile --expert-model-parallel-size
  --expert-parallel-size --flashinfer-mla-disable-ragged --load-watch-interval --log-requests --max-mamba-cache-size --moe-ep-size
  --nccl-init-addr --pipeline-parallel-size --prefill-round-robin-balance --quantization-param-path --router --sleep-on-idle --speculative-draft
  --tensor-parallel-size --tokenizer-path --trust-remote-code
`
  .trim()
  .split(/\s+/);

const KNOWN: ReadonlySet<string> = new Set([
  ...OTHERS,
  ...SERVER_INFO_KEYS.filter((key) => !key.startsWith('_')).map((key) => `--${key.replaceAll('_', '-')}`),
]);

/** Prefixes of SGLang's flags; every version adds flags with them. No prefix that many flags of this program have. */
const FAMILIES =
  /^--(?:enable|disable|disaggregation|speculative|cuda-graph|moe|eplb|hicache|lora|mamba|deepep|flashinfer|fp4|fp8|dsa|nsa|mm|weight-loader|torch|triton|debug|attn|ssl|kt)-[a-z0-9-]+$/;

/** Whether SGLang has the flag `flag` (with its dashes), or plausibly has it in another version. */
export function isSglangFlag(flag: string): boolean {
  return KNOWN.has(flag) || FAMILIES.test(flag);
}
