/**
 * Finds the route of a request: in the table of the router (routes.ts), among the routes of engines that change nothing there
 * (engine-routes.ts), among the paths that the operator has named (forwarded-paths.ts). Every other path is closed.
 */
import type { LocalRoute } from '../../../base/core/local-route.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';
import type { HttpSeries } from '../../telemetry/metrics.ts';
import { isControlPath } from './control-paths.ts';
import { PASSED_ROUTES } from './engine-routes.ts';
import { ForwardedPaths } from './forwarded-paths.ts';
import { matches } from './path-pattern.ts';
import { DECLARATIONS, type Route } from './routes.ts';

/** The path is known with other methods. */
export interface WrongMethod {
  /** Value of an Allow field. */
  readonly methods: string;
}

interface Entry {
  readonly segments: readonly string[];
  readonly methods: Map<string, Route>;
}

export type SeriesOf = (method: string, path: string) => HttpSeries;

/** Of a route that goes to a worker, where its declaration says nothing else. */
const PLAIN = {
  endpoint: 'info',
  idPrefix: 'req-',
  prompt: null,
  enginePath: null,
  keepsSlash: false,
  json: false,
  paired: 'one',
  local: null,
  allow: null,
} as const;

export class RouteTable {
  readonly #exact = new Map<string, Map<string, Route>>();
  readonly #patterns: Entry[] = [];
  readonly #forwarded: ForwardedPaths;
  readonly #other: Route;
  readonly #closed: Route;
  /** By Allow field: routes of requests with a wrong method. */
  readonly #wrongMethods = new Map<string, Route>();

  /** `isTransparent`: routes of engines that are not in the table go to a worker. `forwarded`: paths that go to one besides. */
  constructor(locals: readonly LocalRoute[], seriesOf: SeriesOf, isTransparent: boolean = true, forwarded: readonly string[] = []) {
    this.#forwarded = new ForwardedPaths(forwarded);
    this.#other = { ...PLAIN, kind: 'policy', path: 'other', endpoint: 'other', keepsSlash: true, series: seriesOf('other', 'other') };
    this.#closed = { ...this.#other, kind: 'closed' };
    for (const { methods, ...declared } of DECLARATIONS) {
      const keepsSlash = declared.path.endsWith('...}');
      for (const method of methods) this.#add(method, { ...PLAIN, ...declared, keepsSlash, series: seriesOf(method, declared.path) });
    }
    for (const local of locals) {
      const route: Route = {
        ...PLAIN,
        kind: 'local',
        path: local.path,
        endpoint: 'local',
        local,
        series: seriesOf(local.method, local.path),
      };
      this.#add(local.method, route);
      if (local.method === 'GET') this.#add('HEAD', route);
    }
    if (isTransparent) this.#addPassed();
  }

  /** Metrics count them together: there are many of them, and few are ever asked for. */
  #addPassed(): void {
    for (const { methods, path, paired } of PASSED_ROUTES) {
      if (this.#exact.has(path)) continue;
      const route: Route = { ...this.#other, keepsSlash: false, paired };
      this.#exact.set(path, new Map(methods.map((method) => [method, route])));
    }
  }

  /** The catch-all: a path that only the workers know. */
  get other(): Route {
    return this.#other;
  }

  /** The route of a request: also one that leads nowhere, which the gate refuses. */
  routeOf({ method, path }: RequestHead): Route {
    const found = this.find(method, path);
    if (found === null) return this.#forwarded.has(path) ? this.#other : this.#closed;
    return 'methods' in found ? this.#wrongMethod(found.methods) : found;
  }

  #wrongMethod(allow: string): Route {
    let route = this.#wrongMethods.get(allow);
    if (route === undefined) {
      route = { ...this.#closed, allow };
      this.#wrongMethods.set(allow, route);
    }
    return route;
  }

  /** The route of a request; null when the path is not in the table, with a slash at its end or without. */
  find(method: string, path: string): Route | WrongMethod | null {
    const found = this.#findExactly(method, path);
    return found === null && path.endsWith('/') ? this.#findExactly(method, path.slice(0, -1)) : found;
  }

  /** Patterns come second, in order of declaration. */
  #findExactly(method: string, path: string): Route | WrongMethod | null {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact.get(method) ?? { methods: [...exact.keys()].join(', ') };
    if (this.#patterns.length === 0) return null;
    const segments = path.split('/');
    // A variable part can spell a way out of its route: /v1/models/../../flush_cache.
    if (isControlPath(path)) return null;
    for (const entry of this.#patterns) {
      if (matches(entry.segments, segments)) return entry.methods.get(method) ?? { methods: [...entry.methods.keys()].join(', ') };
    }
    return null;
  }

  #add(method: string, route: Route): void {
    if (!route.path.includes('{')) {
      const methods = this.#exact.get(route.path) ?? new Map<string, Route>();
      methods.set(method, route);
      this.#exact.set(route.path, methods);
      return;
    }
    const segments = route.path.split('/');
    let entry = this.#patterns.find((other) => other.segments.join('/') === route.path);
    if (entry === undefined) {
      entry = { segments, methods: new Map() };
      this.#patterns.push(entry);
    }
    entry.methods.set(method, route);
  }
}

/** Whether `path` (without variable segments) is, or could be read as, the path of a route of the table or of `locals`. */
export function isRoutedPath(path: string, locals: readonly LocalRoute[]): boolean {
  const segments = path.split('/');
  return [...DECLARATIONS, ...locals].some((route) => matches(route.path.split('/'), segments));
}
