/** The setting that bounds the memory of prompts of the policies that have one. */
import { setting } from '../setting/setting.ts';
import { int } from '../setting/shape.ts';

export const TREE_SETTINGS = {
  maxTreeSize: setting(int('SIZE', { min: 1, max: Number.MAX_SAFE_INTEGER }), {
    group: 'routing',
    describe:
      'cache_aware, least_wait: size of the memory of prompts. In sglang_router it counts characters per worker; here 128 of them buy one entry of ' +
      '40 bytes in one index for all workers, so the default is 20 MiB (at least 1 MiB, at most 512 MiB are used)',
    origin: '0.3.2',
    default: 2 ** 26,
  }),
};
