/**
 * Reads one HTTP/1.1 message piece by piece. It shares nothing with src/wire/http1 on purpose: what both got wrong in the same
 * way no test would see. It is no judge of validity; it throws on framing that it cannot follow.
 *
 *   head -> (length | chunk-size <-> chunk-data -> trailers | until-close | nothing) -> done
 */

const HEAD_END = Buffer.from('\r\n\r\n');

type Stage = 'head' | 'length' | 'size' | 'data' | 'data-end' | 'trailers' | 'until-close' | 'done';

export class MessageReader {
  /** Head as received, blank line included, latin1; '' until it is whole. */
  headText = '';
  firstLine = '';
  /** Names as sent. */
  fields: [string, string][] = [];
  trailers: [string, string][] = [];
  /** Payload of each chunk; of other framings one entry per read. */
  readonly pieces: Buffer[] = [];
  /** Bytes after the head as they came, framing included. */
  readonly rawBody: Buffer[] = [];
  #stage: Stage = 'head';
  #text: Buffer = Buffer.alloc(0);
  #left = 0;
  readonly #kind: 'request' | 'response';
  readonly #method: string;

  /** `method`: of the request that a response belongs to. */
  constructor(kind: 'request' | 'response', method = 'GET') {
    this.#kind = kind;
    this.#method = method;
  }

  get headDone(): boolean {
    return this.#stage !== 'head';
  }

  get done(): boolean {
    return this.#stage === 'done';
  }

  get untilClose(): boolean {
    return this.#stage === 'until-close';
  }

  get body(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get status(): number {
    return Number(this.firstLine.split(' ')[1]);
  }

  /** Values of the field, in order. */
  all(name: string): string[] {
    return this.fields.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  /** Value of a field that is there at most once. */
  get(name: string): string | undefined {
    const values = this.all(name);
    if (values.length > 1) throw new Error(`${name} came ${values.length} times: ${values.join(' | ')}`);
    return values[0];
  }

  /** Returns how many bytes belong to this message. */
  feed(data: Buffer): number {
    let at = 0;
    while (at < data.length && this.#stage !== 'done') {
      const from = at;
      const inBody = this.#stage !== 'head';
      at = this.#step(data, at);
      if (inBody) this.rawBody.push(data.subarray(from, at));
    }
    return at;
  }

  /** The connection has ended; true when that was the end of the message. */
  end(): boolean {
    if (this.#stage === 'until-close') this.#stage = 'done';
    return this.#stage === 'done';
  }

  #step(data: Buffer, at: number): number {
    switch (this.#stage) {
      case 'head':
        return this.#line(data, at, HEAD_END, (text) => this.#head(text));
      case 'length':
      case 'data': {
        const end = Math.min(data.length, at + this.#left);
        this.#left -= end - at;
        this.#piece(data.subarray(at, end));
        if (this.#left === 0) this.#stage = this.#stage === 'length' ? 'done' : 'data-end';
        return end;
      }
      case 'data-end':
        return this.#line(data, at, Buffer.from('\r\n'), (text) => {
          if (text !== '\r\n') throw new Error(`chunk data is followed by ${JSON.stringify(text)}`);
          this.#stage = 'size';
        });
      case 'size':
        return this.#line(data, at, Buffer.from('\r\n'), (text) => this.#size(text));
      case 'trailers':
        return this.#line(data, at, Buffer.from('\r\n'), (text) => {
          if (text === '\r\n') this.#stage = 'done';
          else this.trailers.push(fieldOf(text.slice(0, -2)));
        });
      case 'until-close':
        this.pieces.push(data.subarray(at));
        return data.length;
      case 'done':
        return at;
    }
  }

  #fresh = true;

  /** Chunks come out whole however they were split. */
  #piece(bytes: Buffer): void {
    if (this.#fresh || this.#stage === 'length') this.pieces.push(bytes);
    else this.pieces.push(Buffer.concat([this.pieces.pop() ?? Buffer.alloc(0), bytes]));
    this.#fresh = false;
  }

  #line(data: Buffer, at: number, mark: Buffer, done: (text: string) => void): number {
    const before = this.#text.length;
    const whole = before === 0 ? data.indexOf(mark, at) : -1;
    if (whole >= 0) {
      done(data.toString('latin1', at, whole + mark.length));
      return whole + mark.length;
    }
    const text = Buffer.concat([this.#text, data.subarray(at)]);
    const found = text.indexOf(mark, Math.max(0, before - mark.length));
    if (found < 0) {
      this.#text = text;
      return data.length;
    }
    const end = found + mark.length;
    this.#text = Buffer.alloc(0);
    done(text.toString('latin1', 0, end));
    return at + end - before;
  }

  #size(text: string): void {
    const size = /^([0-9a-fA-F]+)(;[^\r]*)?\r\n$/.exec(text)?.[1];
    if (size === undefined) throw new Error(`not a chunk size: ${JSON.stringify(text)}`);
    this.#left = Number.parseInt(size, 16);
    this.#fresh = true;
    this.#stage = this.#left === 0 ? 'trailers' : 'data';
  }

  #head(text: string): void {
    this.headText = text;
    const [first = '', ...lines] = text.slice(0, -4).split('\r\n');
    this.firstLine = first;
    this.fields = lines.map(fieldOf);
    const length = this.get('content-length');
    const coding = this.get('transfer-encoding');
    if (length !== undefined && coding !== undefined) throw new Error(`two framings: ${text}`);
    const bodiless =
      this.#kind === 'response' && (this.#method === 'HEAD' || this.status < 200 || this.status === 204 || this.status === 304);
    if (bodiless) this.#stage = 'done';
    else if (coding !== undefined) this.#stage = 'size';
    else if (length !== undefined) {
      this.#left = Number(length);
      this.#stage = this.#left === 0 ? 'done' : 'length';
    } else this.#stage = this.#kind === 'request' ? 'done' : 'until-close';
  }
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon <= 0) throw new Error(`not a field line: ${JSON.stringify(line)}`);
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
