/** Why a head is refused. A value, not an exception: the caller must handle it. */

/** Codes of the router's error table that a head can earn. */
export type HeadErrorCode =
  | 'bad_request'
  | 'unsupported_method'
  | 'uri_too_long'
  | 'expectation_failed'
  | 'header_fields_too_large'
  | 'http_version_not_supported'
  | 'call_upstream_malformed';

export type HeadErrorStatus = 400 | 405 | 414 | 417 | 431 | 502 | 505;

const CODES: Readonly<Record<HeadErrorStatus, HeadErrorCode>> = {
  400: 'bad_request',
  405: 'unsupported_method',
  414: 'uri_too_long',
  417: 'expectation_failed',
  431: 'header_fields_too_large',
  502: 'call_upstream_malformed',
  505: 'http_version_not_supported',
};

/** The message names the rule that was broken and never repeats bytes of the peer. */
export class HeadError {
  readonly status: HeadErrorStatus;
  readonly code: HeadErrorCode;
  readonly message: string;

  constructor(status: HeadErrorStatus, message: string) {
    this.status = status;
    this.code = CODES[status];
    this.message = message;
  }
}
