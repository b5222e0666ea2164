import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PortBook } from './port-book.ts';

describe('the book of ports', () => {
  it('allows one port on several nodes, and names both owners when it is taken twice on one', () => {
    const book = new PortBook();
    book.take(0, 8000, 'nginx', 'public', 'frontend.public_port');
    book.take(1, 8000, 'router-1', 'HTTP', 'frontend.router_port');
    assert.equal(book.problems.length, 0);
    book.take(0, 8000, 'router-0', 'HTTP', 'frontend.router_port');
    assert.equal(book.problems.length, 1);
    assert.match(book.problems[0]!.message, /^n0: nginx \(public\) and router-0 \(HTTP\) would both listen on port 8000/);
  });

  it('steps over taken ports, and finds none beyond 65535', () => {
    const book = new PortBook();
    for (const port of [30_032, 30_033]) book.take(0, port, 'x', 'y', 'z');
    assert.equal(book.takeFree(0, 30_032, 'decode-1', 'HTTP', 'a'), 30_034);
    assert.equal(book.takeFree(1, 30_032, 'decode-2', 'HTTP', 'a'), 30_032);
    assert.equal(book.takeFree(0, 65_535, 'decode-3', 'HTTP', 'a'), 65_535);
    assert.equal(book.problems.length, 0);
    book.takeFree(0, 65_535, 'decode-4', 'HTTP', 'port');
    assert.match(book.problems[0]!.message, /^n0: no port is left for decode-4 \(HTTP\) from 65535 to 65535/);
  });
});
