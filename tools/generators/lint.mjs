// biome.json from the import table.
import { biomeConfig } from '../lint-config.mjs';

export function outputs() {
  return [{ file: 'biome.json', text: JSON.stringify(biomeConfig(), null, 2) }];
}
