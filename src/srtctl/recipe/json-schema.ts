/** JSON Schemas of recipes and cluster files, for editors. */
import { z } from 'zod';
import { CLUSTER } from './cluster-schema.ts';
import { RECIPE, REQUIRED } from './recipe-schema.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** A recipe, or a file of variants: base and override_*. */
export function recipeJsonSchema(): JsonSchema {
  const partial = schemaOf(RECIPE);
  const withSweep = {
    ...partial,
    properties: { ...(partial['properties'] as JsonSchema), sweep: SWEEP },
    patternProperties: { '^x-': true },
  };
  const required = REQUIRED.map(([key]) => key!);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Recipe of srtctl',
    if: { required: ['base'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema; nobody awaits this object.
    then: {
      type: 'object',
      properties: { base: { $ref: '#/$defs/recipe' } },
      patternProperties: { '^override_.': { $ref: '#/$defs/change' }, '^zip_override_.': { type: 'object' }, '^x-': true },
      additionalProperties: false,
    },
    else: { $ref: '#/$defs/whole' },
    $defs: {
      whole: { allOf: [{ $ref: '#/$defs/recipe' }, { required, properties: { model: { required: ['path'] } } }] },
      recipe: withSweep,
      change: { description: 'Merged onto base: maps key by key, lists replaced, null removes', type: 'object' },
    },
  };
}

export function clusterJsonSchema(): JsonSchema {
  const schema = schemaOf(CLUSTER);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Cluster file of srtctl',
    ...schema,
    patternProperties: { '^x-': true },
  };
}

const SWEEP: JsonSchema = {
  description: 'Parameters and their values. {name} stands for a value in every text of the recipe; a name with dots is a path.',
  type: 'object',
  properties: { mode: { enum: ['grid', 'zip'] }, parameters: { type: 'object', additionalProperties: { type: 'array', minItems: 1 } } },
  additionalProperties: { type: 'array', minItems: 1 },
};

/** What a sweep replaces. */
const PLACEHOLDER: JsonSchema = { type: 'string', pattern: '\\{[^{}\\s]+\\}' };

/** A key without a value counts as not given, so null is always possible. `expected` and `unset` are for our own pages. */
function schemaOf(schema: z.ZodObject): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      delete jsonSchema['expected'];
      delete jsonSchema['unset'];
    },
  });
  return nullable(rest);
}

function nullable(schema: JsonSchema): JsonSchema {
  const properties = schema['properties'] as Readonly<Record<string, JsonSchema>> | undefined;
  if (properties === undefined) return schema;
  const entries = Object.entries(properties).map(([key, value]) => {
    const { description, default: standard, ...type } = nullable(value);
    const about = { ...(description === undefined ? {} : { description }), ...(standard === undefined ? {} : { default: standard }) };
    const forms = (type['anyOf'] as JsonSchema[] | undefined) ?? [type];
    const isBlock = forms.some((form) => form['type'] === 'object');
    return [key, { ...about, anyOf: [...forms, ...(isBlock ? [] : [PLACEHOLDER]), { type: 'null' }] }] as const;
  });
  return { ...schema, properties: Object.fromEntries(entries) };
}
