/** Text of a recipe -> the same recipe in the keys of the other schema. */
import { toSchema1Keys, toSchema2 } from '../spelling/convert.ts';
import { servicesToSchema1 } from '../spelling/convert-services.ts';
import { DocumentMap, readDocument, writeDocument } from '../text/document-map.ts';

export type Converted = { readonly ok: true; readonly text: string; readonly schema: 1 | 2 } | { readonly ok: false; readonly why: string };

/** `to` null: the schema that it is not in. */
export function convertRecipe(text: string, to: 1 | 2 | null): Converted {
  const document = readDocument(text);
  if (document === null) return { ok: false, why: 'it is no block of keys that can be read' };
  const whole = new DocumentMap(document);
  const variants = whole.has(['base']) ? whole.keys().filter((key) => key === 'base' || /^(?:zip_)?override_./.test(key)) : null;
  const recipes = variants?.map((key) => new DocumentMap(document, [key])) ?? [whole];
  const [base] = recipes;
  const isSecond = (recipe: DocumentMap): boolean =>
    String(recipe.plain(['schema']) ?? '') === '2' || recipe.has(['roles']) || recipe.has(['engine']);
  const from = recipes.some(isSecond) || isSecond(whole) ? 2 : 1;
  const schema = to ?? (from === 1 ? 2 : 1);
  if (schema === from) return { ok: true, text, schema };
  for (const recipe of [whole, ...recipes]) recipe.remove(['schema']);
  for (const recipe of recipes) {
    if (schema === 2) toSchema2(recipe, base ?? recipe);
    else {
      servicesToSchema1(recipe);
      toSchema1Keys(recipe);
    }
  }
  if (schema === 2) whole.setFirst('schema', 2);
  return { ok: true, text: writeDocument(document), schema };
}
