import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { DEFAULT_OPTIONS } from '../registry/worker-options.ts';
import { parseWorkersFile } from './workers-file-text.ts';

const REGULAR = { isPaired: false, isDpAware: false, apiKey: null };
const PAIRED = { ...REGULAR, isPaired: true };

const urlsOf = (text: string, mode = REGULAR): string[] => {
  const parsed = parseWorkersFile('w', text, mode);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.workers.map(({ address }) => address.url);
};

const problemsOf = (text: string, mode = REGULAR): string[] => {
  const parsed = parseWorkersFile('w', text, mode);
  return parsed.ok ? [] : parsed.problems.map(({ flag, value, expected, source }) => `${source} ${flag} ${value}: expected ${expected}`);
};

const TWO = ['http://a:1', 'http://b:2'];

suite('a file of workers is taken', () => {
  for (const [form, text] of [
    ['as a YAML list', '- http://a:1\n- http://b:2\n'],
    ['as a YAML list with comments', '# fleet\n- http://a:1 # first\n- url: http://b:2/\n'],
    ['as JSON', '["http://a:1", {"url": "http://b:2"}]'],
    ['as an object with workers', 'workers:\n  - http://a:1\n  - {url: "http://b:2"}\n'],
    ['as text', 'http://a:1\nhttp://b:2'],
    ['as text with comments, blanks and CRLF', '# fleet\r\n\r\n  http://a:1  # first\r\nhttp://b:2\r\n'],
  ] as const) {
    test(form, () => assert.deepEqual(urlsOf(text), TWO));
  }

  test('with no workers, if it says so', () => {
    assert.deepEqual(urlsOf('[]'), []);
    assert.deepEqual(urlsOf('workers: []'), []);
  });

  test('with all fields of POST /workers', () => {
    const text = '- url: http://a:1\n  worker_type: prefill\n  bootstrap_port: 8998\n  labels: {zone: a}\n  priority: 7\n  api_key: k\n';
    const parsed = parseWorkersFile('w', text, PAIRED);
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.workers[0]?.options, {
      ...DEFAULT_OPTIONS,
      type: 'prefill',
      bootstrapPort: 8998,
      labels: { zone: 'a' },
      priority: 7,
      apiKey: 'k',
    });
  });

  test('with the key of the router, if an entry has none', () => {
    const parsed = parseWorkersFile('w', '- http://a:1\n- {url: "http://b:1", api_key: own}\n', { ...REGULAR, apiKey: 'shared' });
    assert.ok(parsed.ok);
    assert.deepEqual(
      parsed.workers.map(({ options }) => options.apiKey),
      ['shared', 'own'],
    );
  });

  test('with 8,192 workers', () => {
    assert.equal(urlsOf(Array.from({ length: 8192 }, (_, at) => `http://a:${at + 1}`).join('\n')).length, 8192);
  });
});

suite('a file of workers is refused, with line and column', () => {
  for (const [why, text, problems] of [
    ['empty: it may be half written', '', ['w:1:1 --workers-file null: expected a list of workers; [] for none']],
    ['nothing but a comment', '# later\n', ['w:1:1 --workers-file null: expected a list of workers; [] for none']],
    ['one word', 'nonsense', ['w:1:1 --workers-file null: expected a list of workers; [] for none']],
    ['other keys', 'worker: []\n', ['w:1:1 --workers-file null: expected a list of workers; [] for none']],
    [
      'an entry that is a number',
      '- http://a:1\n- 7\n',
      ['w:2:3 --workers-file null: expected the URL of a worker, or an object with its fields'],
    ],
    ['an entry without a URL', '- priority: 1\n', ['w:1:3 url null: expected the URL of a worker, http://host:port']],
    [
      'several fields that are wrong',
      '- url: a:1\n  cost: -1\n  zone: b\n',
      [
        'w:1:3 url a:1: expected http:// or https:// followed by host:port',
        'w:2:3 cost -1: expected a number above 0',
        'w:3:3 zone b: expected no such field',
      ],
    ],
    ['a worker twice', '- http://a:1\n- url: http://a:1/\n', ['w:2:3 url http://a:1: expected each worker once; w:1:3 names it too']],
    ['a line that is no URL', 'http://a:1\nb:2\n', ['w:2:1 url b:2: expected http:// or https:// followed by host:port']],
  ] as const) {
    test(why, () => assert.deepEqual(problemsOf(text), problems));
  }

  test('invalid YAML', () => assert.match(problemsOf('- http://a:1\n- {url: \n')[0]!, /^w:2:9 --workers-file null: expected valid YAML/));

  test('plain URLs where roles are needed', () => {
    assert.deepEqual(problemsOf('http://a:1\n', PAIRED), ['w:1:1 worker_type null: expected prefill or decode']);
  });

  test('too many workers', () => {
    const text = Array.from({ length: 8193 }, (_, at) => `http://a:${at + 1}`).join('\n');
    assert.deepEqual(problemsOf(text), ['w:8193:1 --workers-file 8193: expected at most 8192 workers']);
  });

  test('aliases that grow without bound', () => {
    const text = '- url: http://a:1\n  labels: &a {x: y}\n- url: http://b:1\n  labels: {l: [*a, *a]}\n';
    assert.equal(problemsOf(text).length, 1);
  });

  test('with 20 problems at most', () => {
    const problems = problemsOf(Array.from({ length: 50 }, () => '- 1\n').join(''));
    assert.equal(problems.length, 21);
    assert.match(problems.at(-1)!, /30 more follow/);
  });

  test('a key is not shown', () => assert.doesNotMatch(problemsOf('- {url: "http://a:1", api_key: "se cret"}').join(), /cret/));
});
