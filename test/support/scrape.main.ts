/** A scraper in a process of its own: `scrape.main.js PORT` fetches /metrics for every message and answers with the bytes of the page. */
import { get } from 'node:http';

const port = Number(process.argv[2]);

process.on('message', () => {
  get({ host: '127.0.0.1', port, path: '/metrics', agent: false }, (response) => {
    let bytes = 0;
    response.on('data', (data: Buffer) => {
      bytes += data.length;
    });
    response.on('close', () => process.send?.(response.complete ? bytes : -1));
  });
});
