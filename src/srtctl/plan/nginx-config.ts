/** The configuration of nginx in front of several routers or frontends. */

export interface NginxConfigInput {
  /** Address and port to listen on: `<node0>:8000`. */
  readonly listen: string;
  /** Address and port of every router: `<node1>:30080`. At least one. */
  readonly upstreams: readonly string[];
  /** Header whose value binds a session to a router; null: round robin. Letters, digits and `-`. */
  readonly affinityHeader: string | null;
  /** Of idle clients, as nginx writes times: `600s`. */
  readonly keepaliveTimeout: string;
  /**
   * Of idle connections to routers, ms. Must be shorter than what routers allow their clients: a request that meets a closing connection
   * could not be repeated, and its client would get a 502.
   */
  readonly upstreamKeepaliveMs: number;
  /** Raise the limit of open files; the hard limit must allow it. */
  readonly raisesUlimit: boolean;
}

/** Where nginx lives in the run directory; every relative path of the configuration is relative to it. */
export const NGINX_DIRECTORY = 'nginx';

/** Where nginx itself answers with the identifier of its run; everything else goes to routers. */
export const RUN_PATH = '/.srtctl/run';

/** Shared memory for the state of one upstream server, and for none. Measured with nginx 1.22 (about 1 KiB a server), doubled. */
const ZONE_KIB_PER_SERVER = 2;
const ZONE_KIB = 128;

/**
 * For an nginx that runs unprivileged in the foreground, prefix `<run>/nginx`.
 *
 * - A request goes through unbuffered both ways: no event waits, and no body touches a disk.
 * - What failed before its body was sent (a router that refuses connections) goes to the next router; what was sent is never repeated,
 *   since a completion may have begun.
 * - Three failures within 5 s put a router aside for 5 s. Answers of routers, also 503, are answers, not failures.
 * - A stream may be silent for 24 h; clients that vanish without a word are found by TCP keep-alive.
 */
export function nginxConfig(input: NginxConfigInput): string {
  const zoneKib = ZONE_KIB + ZONE_KIB_PER_SERVER * input.upstreams.length;
  const variable = input.affinityHeader === null ? null : `$http_${input.affinityHeader.toLowerCase().replaceAll('-', '_')}`;
  return `daemon off;
pid nginx.pid;
error_log stderr warn;
worker_processes 4;
${input.raisesUlimit ? 'worker_rlimit_nofile 1048576;\n' : ''}
events {
    worker_connections ${input.raisesUlimit ? 65_535 : 16_384};
    multi_accept on;
}

http {
    access_log off;
    server_tokens off;
    client_body_temp_path client_body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
${variable === null ? '' : affinityMap(variable)}
    upstream routers {
        zone routers ${zoneKib}k;
${variable === null ? '' : '        hash $session_key consistent;\n'}${input.upstreams.map((upstream) => `        server ${upstream} max_fails=3 fail_timeout=5s;`).join('\n')}
        keepalive 256;
        keepalive_requests 1000000;
        keepalive_timeout ${input.upstreamKeepaliveMs}ms;
    }

    server {
        listen ${input.listen} backlog=4096 so_keepalive=on;
        keepalive_timeout ${input.keepaliveTimeout};
        keepalive_requests 1000000;
        client_max_body_size 0;
        client_header_timeout 60s;
        client_body_timeout 600s;
        send_timeout 24h;
        large_client_header_buffers 8 64k;
        underscores_in_headers on;
        ignore_invalid_headers off;
        merge_slashes off;
        tcp_nodelay on;

        location = ${RUN_PATH} {
            default_type text/plain;
            return 200 "<job>";
        }

        location / {
            proxy_pass http://routers;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_pass_header Server;
            proxy_pass_header Date;
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_buffer_size 64k;
            proxy_buffers 8 64k;
            proxy_busy_buffers_size 128k;
            proxy_connect_timeout 5s;
            proxy_send_timeout 24h;
            proxy_read_timeout 24h;
            proxy_next_upstream error timeout;
            proxy_next_upstream_tries 3;
            proxy_next_upstream_timeout 15s;
        }
    }
}
`;
}

/** Requests without the header are spread by their identifiers. */
function affinityMap(variable: string): string {
  return `
    map ${variable} $session_key {
        default ${variable};
        "" $request_id;
    }
`;
}
