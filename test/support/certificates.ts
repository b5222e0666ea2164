/** Certificates for tests: an authority, and what it signs (X.509 v3, ECDSA with P-256; RFC 5280 4.1). */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface Identity {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly expiresMs?: number;
}

const YEAR_MS = 365 * 24 * 3600 * 1000;

const SEQUENCE = 0x30;
const SET = 0x31;
const OID = 0x06;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}

const oid = (hex: string): Buffer => der(OID, Buffer.from(hex, 'hex'));
const ECDSA_WITH_SHA256 = der(SEQUENCE, oid('2a8648ce3d040302'));
const COMMON_NAME = oid('550403');
const BASIC_CONSTRAINTS = oid('551d13');
const SUBJECT_ALT_NAME = oid('551d11');
const TRUE = Buffer.from([0x01, 0x01, 0xff]);

const nameOf = (text: string): Buffer => der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(text)))));
const timeOf = (ms: number): Buffer => der(GENERALIZED_TIME, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\..*/g, '')}Z`));
const pem = (label: string, bytes: Buffer): string =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END ${label}-----\n`;

interface Subject {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly isAuthority: boolean;
  readonly expiresMs: number;
}

export class Authority {
  readonly cert: string;
  readonly #name: string;
  readonly #key: KeyObject;
  #serial = 1;

  constructor(name: string) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#name = name;
    this.#key = privateKey;
    this.cert = this.#sign({ name, publicKey, isAuthority: true, expiresMs: Date.now() + YEAR_MS });
  }

  /** For localhost and 127.0.0.1. */
  issue(name: string, { expiresMs = Date.now() + YEAR_MS }: CertificateOptions = {}): Identity {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    return { cert: this.#sign({ name, publicKey, isAuthority: false, expiresMs }), key };
  }

  #sign({ name, publicKey, isAuthority, expiresMs }: Subject): string {
    const altNames = der(SEQUENCE, der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])));
    const extensions = [
      der(SEQUENCE, BASIC_CONSTRAINTS, TRUE, der(OCTET_STRING, der(SEQUENCE, ...(isAuthority ? [TRUE] : [])))),
      ...(isAuthority ? [] : [der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTET_STRING, altNames))]),
    ];
    const body = der(
      SEQUENCE,
      der(0xa0, der(INTEGER, Buffer.from([2]))),
      der(INTEGER, Buffer.from([this.#serial++])),
      ECDSA_WITH_SHA256,
      nameOf(this.#name),
      der(SEQUENCE, timeOf(Date.now() - YEAR_MS), timeOf(expiresMs)),
      nameOf(name),
      publicKey.export({ format: 'der', type: 'spki' }),
      der(0xa3, der(SEQUENCE, ...extensions)),
    );
    const signature = sign('sha256', body, this.#key);
    return pem('CERTIFICATE', der(SEQUENCE, body, ECDSA_WITH_SHA256, der(BIT_STRING, Buffer.from([0]), signature)));
  }
}
