// The JSON Schema of a configuration file, for editors and for checks before a deployment.
import { z } from 'zod';
import { BUILT, KNOWN } from '../../dist/router/config/catalogue.js';
import { judge } from '../../dist/router/config/known-setting.js';

/** Both spellings of every key. Of settings that are only known, those with values that may be given. */
function jsonSchema() {
  const properties = {};
  const definitions = {};
  for (const entry of [...BUILT, ...KNOWN]) {
    const property = entry.setting.built ? builtProperty(entry.setting) : knownProperty(entry.setting);
    if (entry.meta || property === null) continue;
    definitions[entry.fileKey] = property;
    for (const key of keysOf(entry)) properties[key] = { $ref: `#/$defs/${entry.fileKey}` };
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration file of the SGLang router',
    type: 'object',
    properties,
    additionalProperties: false,
    $defs: definitions,
  };
}

function keysOf({ fileKey, setting }) {
  const aliases = (setting.aliases ?? []).filter(({ value }) => value === undefined).map(({ flag }) => flag.slice(2));
  return new Set([fileKey, ...aliases].flatMap((key) => [key, key.replaceAll('-', '_')]));
}

function builtProperty(setting) {
  const { shape } = setting;
  const { $schema: _, ...value } = z.toJSONSchema(shape.schema, { io: 'input' });
  const forms = [value];
  if (shape.collects) forms.push({ type: 'string', description: 'Items separated by commas or spaces' });
  if (setting.default === null) forms.push({ type: 'null' });
  const description = setting.unit === undefined ? setting.describe : `${setting.describe} (${setting.unit})`;
  const standard = setting.sameAs === undefined ? { default: setting.default } : {};
  return { description, ...standard, ...(forms.length === 1 ? value : { anyOf: forms }) };
}

/** Only values that are taken although the feature is missing. Null if there are none or if they are too many to name. */
function knownProperty(setting) {
  const description = setting.noEffect ?? `${setting.feature} not available in this version yet`;
  if (setting.noEffect !== undefined) {
    const { $schema: _, ...value } = z.toJSONSchema(setting.shape.schema, { io: 'input' });
    return { description, ...value };
  }
  const values = [setting.default, ...setting.accepted].filter((value) => judge(setting, value).kind !== 'refused');
  return { description, enum: values };
}

export function outputs() {
  return [{ file: 'docs/config.schema.json', text: `${JSON.stringify(jsonSchema(), null, 2)}\n` }];
}
