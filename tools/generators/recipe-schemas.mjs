// The JSON Schemas of recipes and cluster files, for editors.
import { z } from 'zod';
import { CLUSTER } from '../../dist/srtctl/recipe/schema/cluster-schema.js';
import { RECIPE, REQUIRED } from '../../dist/srtctl/recipe/schema/recipe-schema.js';

/** A recipe, or a file of variants: base and override_*. */
function recipeJsonSchema() {
  const partial = schemaOf(RECIPE);
  const withSweep = {
    ...partial,
    properties: { ...partial['properties'], sweep: SWEEP },
    patternProperties: { '^x-': true },
  };
  const required = REQUIRED.map(([key]) => key);
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

function clusterJsonSchema() {
  const schema = schemaOf(CLUSTER);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Cluster file of srtctl',
    ...schema,
    patternProperties: { '^x-': true },
  };
}

const SWEEP = {
  description: 'Parameters and their values. {name} stands for a value in every text of the recipe; a name with dots is a path.',
  type: 'object',
  properties: { mode: { enum: ['grid', 'zip'] }, parameters: { type: 'object', additionalProperties: { type: 'array', minItems: 1 } } },
  additionalProperties: { type: 'array', minItems: 1 },
};

/** An empty text counts as not given. */
const NOT_GIVEN = { const: '' };

/** What a sweep replaces. */
const PLACEHOLDER = { type: 'string', pattern: '\\{[^{}\\s]+\\}' };
/** A key without a value counts as not given, so null is always possible. `expected` and `unset` are for our own pages. */
function schemaOf(schema) {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      delete jsonSchema['expected'];
      delete jsonSchema['unset'];
      // Quoted numbers and booleans are read as such.
      if (jsonSchema['unquoted'] !== undefined) unquoted(jsonSchema);
    },
  });
  return nullable(rest);
}

function unquoted(jsonSchema) {
  const { unquoted: kind, description, default: standard, anyOf, ...type } = jsonSchema;
  const quoted = {
    type: 'string',
    pattern:
      kind === 'boolean'
        ? '^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff])$'
        : '^-?[0-9]+([.][0-9]+)?$',
  };
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  if (description !== undefined) jsonSchema.description = description;
  if (standard !== undefined) jsonSchema.default = standard;
  jsonSchema.anyOf = [...(anyOf ?? [type]), quoted];
}

function nullable(schema) {
  const properties = schema['properties'];
  if (properties === undefined) return schema;
  const entries = Object.entries(properties).map(([key, value]) => {
    const { description, default: standard, ...type } = nullable(value);
    const about = { ...(description === undefined ? {} : { description }), ...(standard === undefined ? {} : { default: standard }) };
    const forms = type['anyOf'] ?? [type];
    const isBlock = forms.some((form) => form['type'] === 'object');
    return [key, { ...about, anyOf: [...forms, ...(isBlock ? [] : [PLACEHOLDER]), NOT_GIVEN, { type: 'null' }] }];
  });
  return { ...schema, properties: Object.fromEntries(entries) };
}

export function outputs() {
  return [
    { file: 'docs/recipe.schema.json', text: `${JSON.stringify(recipeJsonSchema(), null, 2)}\n` },
    { file: 'docs/srtslurm.schema.json', text: `${JSON.stringify(clusterJsonSchema(), null, 2)}\n` },
  ];
}
