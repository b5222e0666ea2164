/** Recognises the media type of a stream of server-sent events. */

const EVENT_STREAM = 'text/event-stream';

/** True for the value of a Content-Type field that names an event stream, whatever its case and parameters. */
export function isEventStream(contentType: string | null | undefined): boolean {
  if (contentType == null) return false;
  const semicolon = contentType.indexOf(';');
  const essence = semicolon < 0 ? contentType : contentType.slice(0, semicolon);
  return essence.trim().toLowerCase() === EVENT_STREAM;
}
