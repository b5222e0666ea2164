// docs/configuration.md and docs/config.schema.json from the settings schema.
import { configurationPage } from '../../dist/router/config/document.js';
import { jsonSchema } from '../../dist/router/config/json-schema.js';

export function outputs() {
  return [
    { file: 'docs/configuration.md', text: configurationPage() },
    { file: 'docs/config.schema.json', text: `${JSON.stringify(jsonSchema(), null, 2)}\n` },
  ];
}
