/** Paths of an engine that change it: never reached through the router's catch-all, however they are spelt. */

/** First path segments. Source: the control routes of SGLang 0.5.23 (entrypoints/http_server.py). */
const CONTROL_PREFIXES: readonly string[] = [
  'abort_request',
  'add_external_corpus',
  'attach_hicache',
  'clear_hicache',
  'close_session',
  'configure_logging',
  'continue_generation',
  'destroy_weights',
  'detach_hicache',
  'dump_expert',
  'flush_cache',
  'freeze_gc',
  'get_weights',
  'hicache',
  'init_weights',
  'load_lora',
  'open_session',
  'parse_function_call',
  'pause_generation',
  'release_memory',
  'remote_instance',
  'resume_memory',
  'send_weights',
  'separate_reasoning',
  'set_internal_state',
  'set_trace_level',
  'shutdown',
  'slow_down',
  'start_expert',
  'start_profile',
  'stop_expert',
  'stop_profile',
  'unload_lora',
  'update_weight',
  'weights_checker',
];

/** Decoded, in one case, without empty and dot segments: as the most lenient server might read it. */
function normalise(path: string): string[] {
  let text = path;
  for (let i = 0; i < 3 && text.includes('%'); i++) {
    const decoded = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (decoded === text) break;
    text = decoded;
  }
  const segments: string[] = [];
  for (const segment of text.toLowerCase().split(/[/\\]/)) {
    const name = segment.split(';', 1)[0]!.trim();
    if (name === '' || name === '.') continue;
    if (name === '..') segments.pop();
    else segments.push(name);
  }
  return segments;
}

/** True when `path` names, or could be read as, a control path of an engine. */
export function isControlPath(path: string): boolean {
  const segments = normalise(path);
  // /v1/load_lora_adapter and the like: the version prefix does not change what it is.
  const first = segments[0] === 'v1' ? segments[1] : segments[0];
  return first !== undefined && CONTROL_PREFIXES.some((prefix) => first.startsWith(prefix));
}
