import assert from 'node:assert/strict';
import test from 'node:test';
import { searchPath } from './search-path.ts';

test('the folders of the system come after what PATH holds', () => {
  assert.equal(searchPath('/a:/usr/sbin'), '/a:/usr/sbin:/usr/local/sbin:/sbin');
  assert.match(searchPath(undefined), /^\/usr\/local\/bin:\/usr\/bin:\/bin:.*\/usr\/sbin/);
});
