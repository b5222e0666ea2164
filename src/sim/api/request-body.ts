/** Reads JSON bodies as the engine's web framework does, with its error messages. Source: answers recorded from SGLang 0.5.23. */
import { pythonRepr } from '../http/python-json.ts';
import { SchemaError, type SchemaProblem } from './schema-error.ts';

/** A JSON object with unchecked members. */
export type Body = Readonly<Partial<Record<string, unknown>>>;

/** Where the engine's source defines the handler of a route; error messages name it. */
export interface Handler {
  readonly method: string;
  readonly path: string;
  readonly line: number;
  readonly name: string;
  readonly input: BodyInput;
}

/** How the engine declares the body: a pydantic model, or a named class of another kind. The error messages differ. */
export type BodyInput = { readonly kind: 'model' } | { readonly kind: 'dataclass' | 'struct'; readonly name: string };
export const MODEL: BodyInput = { kind: 'model' };

export function schemaError(handler: Handler, problems: readonly SchemaProblem[]): SchemaError {
  const list = problems.map(problemText);
  const count = `${list.length} validation error${list.length === 1 ? '' : 's'}`;
  const source = `File "sglang/srt/entrypoints/http_server.py", line ${handler.line}, in ${handler.name}`;
  return new SchemaError(
    `${count}:\n${list.map((text) => `  ${text}\n`).join('')}\n  ${source}\n    ${handler.method} ${handler.path} [${list.join(', ')}]`,
    problems,
  );
}

export function isJsonType(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType);
}

/** Parses `bytes`. Throws a SchemaError if it is not a JSON object, or not declared as JSON. */
export function parseBody(handler: Handler, bytes: Buffer, contentType: string | undefined): Body {
  const isJson = isJsonType(contentType);
  if (!isJson && handler.input.kind === 'model') throw wrongMediaType();
  if (bytes.length === 0) throw schemaError(handler, [{ type: 'missing', loc: ['body'], msg: 'Field required', input: 'None', ctx: '' }]);
  if (!isJson) throw schemaError(handler, notAnObject(handler, `b${pythonRepr(bytes.toString('latin1'))}`));
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw schemaError(handler, [jsonProblem(text, error)]);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw schemaError(handler, notAnObject(handler, pythonRepr(value)));
  // An object that is neither null nor an array; its members stay unchecked.
  return value as Body;
}

function wrongMediaType(): SchemaError {
  const msg = "Unsupported Media Type: Only 'application/json' is allowed";
  const text = `{'loc': ['header', 'content-type'], 'msg': "${msg}", 'type': 'value_error'}`;
  return new SchemaError(`1 validation error:\n  ${text} [${text}]`, [
    { type: 'value_error', loc: ['header', 'content-type'], msg, input: 'None', ctx: '' },
  ]);
}

function notAnObject({ input: declared }: Handler, input: string): readonly SchemaProblem[] {
  switch (declared.kind) {
    case 'model': {
      const msg = 'Input should be a valid dictionary or object to extract fields from';
      return [{ type: 'model_attributes_type', loc: ['body'], msg, input, ctx: '' }];
    }
    case 'dataclass': {
      const msg = `Input should be a dictionary or an instance of ${declared.name}`;
      return [{ type: 'dataclass_type', loc: ['body'], msg, input, ctx: `{'class_name': '${declared.name}'}` }];
    }
    case 'struct': {
      const loc = ['body', `function-after[build_struct(), ${declared.name}]`];
      return [structProblem(declared.name, input), { type: 'dict_type', loc, msg: 'Input should be a valid dictionary', input, ctx: '' }];
    }
  }
}

/** The first problem of a body that should be the struct `name`. */
export function structProblem(name: string, input: string): SchemaProblem {
  const loc = ['body', `is-instance[${name}]`];
  return { type: 'is_instance_of', loc, msg: `Input should be an instance of ${name}`, input, ctx: `{'class': '${name}'}` };
}

function jsonProblem(text: string, error: unknown): SchemaProblem {
  const found = /position (\d+)/.exec(error instanceof Error ? error.message : '');
  const at = found === null ? Buffer.byteLength(text) : Number(found[1]);
  const reason = at >= text.length ? 'unexpected end of data' : 'invalid JSON';
  return { type: 'json_invalid', loc: ['body', at], msg: 'JSON decode error', input: '{}', ctx: `{'error': '${reason}'}` };
}

function problemText({ type, loc, msg, input, ctx }: SchemaProblem): string {
  const place = loc.length === 1 ? `(${pythonRepr(loc[0])},)` : `(${loc.map(pythonRepr).join(', ')})`;
  return `{'type': '${type}', 'loc': ${place}, 'msg': ${pythonRepr(msg)}, 'input': ${input}${ctx === '' ? '' : `, 'ctx': ${ctx}`}}`;
}
