/** A path that exists, with a method that it does not take: 405. */
import type { Check } from './gate.ts';

export const method: Check = ({ head, route }) => {
  if (route.allow === null) return null;
  const message = `${head.method} is not served at ${head.path}: expected ${route.allow}`;
  return { code: 'unsupported_method', message, headers: { allow: route.allow } };
};
