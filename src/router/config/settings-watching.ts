/** Settings of logs and metrics. */
import { numbers } from '../setting/list-shape.ts';
import { setting } from '../setting/setting.ts';
import { choice, int, parsedText, text } from '../setting/shape.ts';
import { bindHost } from './settings-main.ts';

export const LOGS = {
  logLevel: setting(choice('LEVEL', ['debug', 'info', 'warn', 'error'], { synonyms: { warning: 'warn', critical: 'error' } }), {
    group: 'logs',
    describe: 'Least important kind of message that is logged; warning and critical are taken as warn and error',
    origin: '0.3.2',
    default: 'info',
    aliases: [{ flag: '--verbose', value: 'debug' }],
    reloadable: true,
  }),
  logFormat: setting(choice('FORMAT', ['auto', 'pretty', 'json']), {
    group: 'logs',
    describe: 'Form of the log; auto is pretty on a terminal and JSON otherwise',
    origin: 'ours',
    default: 'auto',
    aliases: [{ flag: '--log-json', value: 'json' }],
  }),
  logDir: setting(text('DIRECTORY', 'the path of a directory'), {
    group: 'logs',
    describe: 'Directory for log files, one a day, beside the log on the console',
    origin: '0.3.2',
    default: null,
    whenUnset: 'no files',
  }),
  accessLog: setting(choice('WHEN', ['auto', 'on', 'off']), {
    group: 'logs',
    describe: 'One record per request; auto stops while there are more than 100 requests per second',
    origin: 'ours',
    default: 'auto',
    reloadable: true,
  }),
};

export const METRICS = {
  prometheusHost: setting(bindHost('HOST'), {
    group: 'metrics',
    describe: 'Address or host name to serve metrics on',
    origin: '0.3.2',
    default: '127.0.0.1',
    launchRouterDefault: '0.0.0.0',
    sameAs: 'host',
  }),
  prometheusPort: setting(int('PORT', { min: 0, max: 65535 }), {
    group: 'metrics',
    describe: 'Port to serve metrics on; 0 for any free one. If the default is taken, the router goes on without it',
    origin: '0.3.2',
    default: 29000,
  }),
  prometheusDurationBuckets: setting(
    numbers('BOUNDS', 'bounds of buckets in seconds: positive and ascending', { ascending: true, arity: 'some' }),
    {
      group: 'metrics',
      describe: 'Bounds of the buckets of duration metrics',
      origin: '0.3.2',
      default: null,
      whenUnset: '0.001 to 3600 in 25 steps',
      unit: 'seconds',
    },
  ),
  metricsPath: setting(
    parsedText('PATH', 'a path of plain characters that starts with /, or nothing', (word) =>
      word === '' || /^(?:\/[\w.~-]+)+$/.test(word) ? word : null,
    ),
    {
      group: 'metrics',
      describe: 'Path, such as /metrics, at which the main port serves metrics too',
      origin: 'ours',
      default: '',
      whenUnset: 'not served there',
    },
  ),
};
