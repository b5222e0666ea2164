/**
 * The bootstrap server of a prefill engine. /health and /route answer as the real one (aiohttp). The KV, which real engines transfer
 * elsewhere, is requested with POST /sim/rooms/ROOM?id=ID&rank=RANK, answered when the KV is sent, and cancelled with DELETE.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Engine } from '../engine/engine.ts';
import { rankOfRoom } from '../engine/rank-of-room.ts';
import { spacedJson } from '../http/python-json.ts';
import type { KvHandOver } from '../scheduling/pair-half.ts';
import { type DecodePartner, type PrefillRooms, placeOf } from './prefill-rooms.ts';

export const ROOM_PATH = '/sim/rooms/';

export class BootstrapServer {
  readonly #engine: Engine;
  readonly #rooms: PrefillRooms;
  readonly #server: Server;
  /** Port of the engine's own API, for /route. */
  #httpPort = 0;

  constructor(engine: Engine, rooms: PrefillRooms) {
    this.#engine = engine;
    this.#rooms = rooms;
    this.#server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 75_000 });
    this.#server.on('request', (request, response) => this.#received(request, response));
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  /** Rejects if the port is taken. */
  listen(httpPort: number): Promise<void> {
    this.#httpPort = httpPort;
    const { host, disaggregationBootstrapPort } = this.#engine.options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(disaggregationBootstrapPort, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Closes all connections. */
  close(): Promise<void> {
    if (!this.#server.listening) return Promise.resolve();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #received(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://bootstrap');
    if (pathname === '/health') answer(response, 200, 'OK', 'text/plain; charset=utf-8');
    else if (pathname === '/route') this.#route(response, searchParams);
    else if (pathname.startsWith(ROOM_PATH)) this.#room(request, response, pathname.slice(ROOM_PATH.length), searchParams);
    else answer(response, 404, '404: Not Found', 'text/plain; charset=utf-8');
  }

  #route(response: ServerResponse, query: URLSearchParams): void {
    const ranks = ['prefill_dp_rank', 'prefill_cp_rank', 'target_tp_rank', 'target_pp_rank'].map((name) => query.get(name));
    if (ranks.some((rank) => rank === null || rank === '')) {
      answer(response, 400, 'Missing inputs for bootstrap server.', 'text/plain; charset=utf-8');
      return;
    }
    const { options } = this.#engine;
    const layout = {
      attn_tp_size: 1,
      attn_cp_size: 1,
      dp_size: options.dpSize,
      pp_size: 1,
      page_size: options.pageSize,
      kv_cache_dtype: 'auto',
      follow_bootstrap_room: true,
      enable_dsa_cache_layer_split: false,
      decode_allocation_policy: 'early',
      enable_kv_cache_sharding: false,
      prefill_http_port: this.#httpPort,
      target_tp_rank: null,
      target_tp_ranks: null,
      target_cp_ranks: null,
      target_pp_ranks: null,
      required_dst_info_num: null,
      required_prefill_response_num: null,
    };
    const [dp, cp, tp, pp] = ranks;
    if (ranks.every((rank) => rank === '-1')) answer(response, 200, spacedJson(layout), 'application/json; charset=utf-8');
    else if (Number(dp) < options.dpSize && cp === '0' && tp === '0' && pp === '0')
      answer(response, 200, spacedJson({ rank_ip: options.host, rank_port: this.port }), 'application/json; charset=utf-8');
    else {
      const message = `Bootstrap info not found for dp_rank=${dp} cp_rank=${cp} tp_rank=${tp} pp_rank=${pp}`;
      answer(response, 404, message, 'text/plain; charset=utf-8');
    }
  }

  #room(request: IncomingMessage, response: ServerResponse, name: string, query: URLSearchParams): void {
    if (!/^-?\d+$/.test(name)) {
      answer(response, 400, 'no room of this name', 'text/plain; charset=utf-8');
      return;
    }
    const rank = query.get('rank') ?? rankOfRoom(name, this.#engine.options.dpSize);
    const room = placeOf(name, Number(rank));
    const id = query.get('id') ?? '';
    if (request.method === 'DELETE') {
      this.#rooms.abort(room, id);
      answer(response, 200, '', 'text/plain; charset=utf-8');
      return;
    }
    const partner = new WaitingDecode(id, response);
    response.on('close', () => this.#rooms.detach(room, partner));
    // The head is the handshake; the body is the KV.
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    this.#rooms.attach(room, partner);
  }
}

/** Body of the answer to a decode half. */
export type RoomAnswer = (KvHandOver & { readonly failed?: never }) | { readonly failed: string };

class WaitingDecode implements DecodePartner {
  readonly id: string;
  readonly #response: ServerResponse;

  constructor(id: string, response: ServerResponse) {
    this.id = id;
    this.#response = response;
  }

  deliver(kv: KvHandOver, written: () => void): void {
    this.#response.end(JSON.stringify(kv satisfies RoomAnswer), written);
  }

  refuse(reason: string): void {
    this.#response.end(JSON.stringify({ failed: reason } satisfies RoomAnswer));
  }
}

function answer(response: ServerResponse, status: number, body: string, contentType: string): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    server: 'Python/3.12 aiohttp/3.14',
  });
  response.end(body);
}
