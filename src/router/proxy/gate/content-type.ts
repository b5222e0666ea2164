/** A route that takes JSON only, and a body of another type: 415. A request without a content type passes: the engine judges it. */
import type { Check } from './gate.ts';

export const contentType: Check = ({ head, route }) => {
  if (!route.json) return null;
  const type = head.find('content-type');
  if (type === undefined || isJson(type)) return null;
  return { code: 'unsupported_media_type', message: 'the content-type is not application/json; this route takes JSON only' };
};

/** application/json and its +json relatives, with any parameters. */
function isJson(type: string): boolean {
  // What nearly every client sends.
  if (type === 'application/json') return true;
  const essence = type.split(';', 1)[0]!.trim().toLowerCase();
  return essence === '' || essence === 'application/json' || (essence.startsWith('application/') && essence.endsWith('+json'));
}
