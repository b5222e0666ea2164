/** What the load generator sends. */
import type { Kind } from './entrants/entrant.ts';

export interface Workload {
  readonly kind: Kind;
  /** The race divides CPU time by the number of these. */
  readonly unit: 'request' | 'event';
  /** Events per second of each stream; 0: no pace. */
  readonly rate: number;
  /** Arguments of the load generator. */
  readonly args: readonly (string | number)[];
  readonly text: string;
}

const json = (conns: number, bytes: number): (string | number)[] => ['json', '--conns', conns, '--bytes', bytes];
const streams = (conns: number): (string | number)[] => ['sse', '--conns', conns, '--bytes', 1500, '--rate', 50];

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  json1k5: { kind: 'plain', unit: 'request', rate: 0, args: json(64, 1500), text: 'chat request of 1.5 KB, JSON answer, 64 connections' },
  json60k: { kind: 'plain', unit: 'request', rate: 0, args: json(32, 60_000), text: 'chat request of 60 KB, JSON answer, 32 connections' },
  json500k: { kind: 'plain', unit: 'request', rate: 0, args: json(8, 500_000), text: 'chat request of 500 KB, JSON answer, 8 connections' },
  sse: { kind: 'plain', unit: 'event', rate: 50, args: streams(400), text: '400 streams, 50 events per second each' },
  sse100: { kind: 'plain', unit: 'event', rate: 50, args: streams(100), text: '100 streams, 50 events per second each' },
  sseburst: {
    kind: 'plain',
    unit: 'event',
    rate: 0,
    args: [...json(32, 1500), '--events', 50],
    text: 'streams of 50 events, as fast as they go, 32 connections',
  },
  pd: {
    kind: 'pd',
    unit: 'request',
    rate: 0,
    args: json(64, 1500),
    text: 'prefill and decode: chat request of 1.5 KB, JSON answer, 64 connections',
  },
  pdsse: { kind: 'pd', unit: 'event', rate: 50, args: streams(400), text: 'prefill and decode: 400 streams, 50 events per second each' },
};

export const AGAINST_WORKLOADS: readonly string[] = ['json1k5', 'json60k', 'json500k', 'sse', 'sse100', 'pd', 'pdsse'];
export const QUICK_WORKLOADS: readonly string[] = ['json1k5', 'sse'];
export const DEFAULT_WORKLOADS: readonly string[] = ['json1k5', 'json60k', 'json500k', 'sse', 'sse100'];
