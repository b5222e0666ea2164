/** Chat request bodies of a wanted size with the kinds of text that prompts hold. */

const PROSE =
  'The engine reads the prompt once and keeps what it computed, so a second request that begins with the same words starts ' +
  'where the first one ended. A router that knows this sends both to the same place. ';
const CODE =
  'export function find(list, name) {\n  for (const item of list) {\n    if (item.name === "none") continue;\n' +
  '    log("visiting \\"" + item.name + "\\": " + item.value);\n    if (item.name === name) return item;\n  }\n  return { name, value: "" };\n}\n\n';
const CHINESE =
  '引擎只读一次提示词并保存计算结果，因此开头相同的第二个请求可以从第一个请求结束的地方继续。知道这一点的路由器会把两者送到同一处。';

/** An escape about every 25 bytes, a quote about every 50: as in the prompts of bench/race. */
const MIXED =
  'token the router "ok" answer which prefill of café 模型 return x; a benchmark, 42 with token the answer\n' +
  'the prefill which router with of a token return x; 模型\n"ok" 42 answer café router benchmark, the which\n';

export const TEXTS = { prose: PROSE, code: CODE, chinese: CHINESE, mixed: MIXED } as const;
export type TextKind = keyof typeof TEXTS;

/** A chat request of about `bytes` bytes as an OpenAI client writes it: turns of about 1,200 bytes, model and stream last. */
export function chatBody(kind: TextKind, bytes: number): Buffer {
  const text = TEXTS[kind];
  const turnLength = Math.round((1200 * text.length) / Buffer.byteLength(text));
  const turn = text.repeat(Math.ceil(turnLength / text.length)).slice(0, turnLength);
  const messages = [{ role: 'system', content: `You are a helpful assistant. ${turn.slice(0, turnLength / 3)}` }];
  const size = () => Buffer.byteLength(JSON.stringify(messages));
  const turnBytes = Buffer.byteLength(JSON.stringify({ role: 'assistant', content: turn })) + 1;
  const turns = Math.floor((bytes - size()) / turnBytes);
  for (let i = 0; i < turns; i++) messages.push({ role: i % 2 === 0 ? 'user' : 'assistant', content: turn.slice(i % 7) });
  const rest = Math.max(0, bytes - size() - 150);
  messages.push({ role: 'user', content: PROSE.repeat(Math.ceil(rest / PROSE.length)).slice(0, rest) });
  return Buffer.from(
    JSON.stringify({ messages, temperature: 0.7, max_tokens: 512, model: 'meta-llama/Llama-3.1-8B-Instruct', stream: true }),
  );
}
