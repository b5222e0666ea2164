// docs/recipe-reference.md and the JSON Schemas of recipes and cluster files from their schemas.
import { recipePage } from '../../dist/srtctl/recipe/document.js';
import { clusterJsonSchema, recipeJsonSchema } from '../../dist/srtctl/recipe/json-schema.js';

export function outputs() {
  return [
    { file: 'docs/recipe-reference.md', text: recipePage() },
    { file: 'docs/recipe.schema.json', text: `${JSON.stringify(recipeJsonSchema(), null, 2)}\n` },
    { file: 'docs/srtslurm.schema.json', text: `${JSON.stringify(clusterJsonSchema(), null, 2)}\n` },
  ];
}
