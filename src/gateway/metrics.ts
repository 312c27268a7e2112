import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What is counted, for Prometheus. Labels are routes and not addresses: strangers choose those. */
export interface Metrics {
  readonly registry: Registry;
  answered(seen: Answered): void;
}

export interface Answered {
  readonly method: string;
  /** The template of the route; `none` where there is none. */
  readonly route: string;
  /** Null where the client had gone before its answer was complete. */
  readonly status: number | null;
  readonly refusal: string | null;
  readonly seconds: number;
}

export interface Measured {
  readonly upstreamUp: () => boolean;
  readonly underWay: () => number;
}

const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
]);

/** What stands under the key, made where it is not there yet. */
function kept<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

export function startMetrics({ upstreamUp, underWay }: Measured): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: 'sallyport_gateway_requests_total',
    help: 'Requests by route and status; status "aborted" where the client had gone.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const refusals = new Counter({
    name: 'sallyport_gateway_refusals_total',
    help: 'Requests that were answered with a problem, by its code.',
    labelNames: ['code'],
    registers,
  });
  const seconds = new Histogram({
    name: 'sallyport_gateway_request_seconds',
    help: 'From the head of the request to the end of the answer.',
    labelNames: ['route'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge('sallyport_gateway_upstream_up', '1 while the upstream answers its health check.', () =>
    Number(upstreamUp()),
  );
  gauge('sallyport_gateway_under_way', 'Requests and streams that are under way.', underWay);
  // Looking a child up by its labels takes longer than counting: there are as many as there can be
  // of routes, methods and statuses.
  const routes = new Map<string, ReturnType<typeof metersOf>>();
  const metersOf = (route: string) => ({
    timed: seconds.labels({ route }),
    counted: new Map<string, Map<number | null, Counter.Internal>>(),
  });
  return {
    registry,
    answered({ method, route, status, refusal, seconds: took }) {
      const known = METHODS.has(method) ? method : 'other';
      const { timed, counted } = kept(routes, route, () => metersOf(route));
      const ofMethod = kept(counted, known, () => new Map<number | null, Counter.Internal>());
      kept(ofMethod, status, () =>
        requests.labels({ method: known, route, status: String(status ?? 'aborted') }),
      ).inc();
      if (refusal !== null) refusals.inc({ code: refusal });
      timed.observe(took);
    },
  };
}
