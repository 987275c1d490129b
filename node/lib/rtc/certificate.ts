/** `RTCCertificate` and the algorithms of `generateCertificate`, webrtc-pc §4.10. */
import { type NativeCertificate, type NativeKeygenAlgorithm, native } from '../binding.js';
import * as shapes from '../idl/interfaces.js';
import { Algorithm, EcKeyGenParams, RTCCertificateExpiration, RsaHashedKeyGenParams } from '../idl/types.js';
import { assertInternal, defineInterface, internal } from '../webidl/index.js';

const natives = new WeakMap<object, NativeCertificate>();

export const nativeCertificate = (certificate: RTCCertificate): NativeCertificate =>
  natives.get(certificate) as NativeCertificate;

export class RTCCertificate {
  constructor(token: typeof internal, certificate: NativeCertificate) {
    assertInternal(token);
    // §4.10.2 has certificates serializable, and Node lets no library say how; `duologue/transfer` does. Without, of
    // an ordinary object `structuredClone` and `postMessage` would make `{}`; with a WeakSet they throw DataCloneError.
    const self = Reflect.construct(WeakSet, [], RTCCertificate) as RTCCertificate;
    natives.set(self, certificate);
    return self;
  }

  get expires(): number {
    return nativeCertificate(this).expires;
  }
  getFingerprints(): { algorithm: string; value: string }[] {
    return nativeCertificate(this).fingerprints();
  }

  toPem(): string {
    return nativeCertificate(this).toPem();
  }
  static fromPem(pem: string): RTCCertificate {
    const read = native.readCertificate(pem);
    if (typeof read === 'string') throw new DOMException(`The certificate: ${read}`, 'DataError');
    return new RTCCertificate(internal, read);
  }

  static {
    defineInterface(this, (o) => natives.has(o), shapes.RTCCertificate);
  }
}

const MODULUS_LENGTHS = [2048, 3072, 4096];

const notSupported = (what: string): never => {
  throw new DOMException(`${what} is not supported`, 'NotSupportedError');
};

/** RFC 8827 §6.5 names the two kinds of keys. */
function keygenAlgorithm(identifier: object | string): NativeKeygenAlgorithm {
  const given = typeof identifier === 'string' ? { name: identifier } : identifier;
  const name = Algorithm(given, 'The algorithm').name.toLowerCase();
  if (name === 'ecdsa') {
    const { namedCurve } = EcKeyGenParams(given, 'The algorithm');
    return namedCurve === 'P-256' ? { name: 'ECDSA' } : notSupported(`The curve ${namedCurve}`);
  }
  if (name !== 'rsassa-pkcs1-v1_5') return notSupported(`The algorithm ${name}`);
  const { modulusLength, publicExponent, hash } = RsaHashedKeyGenParams(given, 'The algorithm');
  const hashName = Algorithm(typeof hash === 'string' ? { name: hash } : hash, 'The hash').name;
  if (hashName.toUpperCase() !== 'SHA-256') notSupported(`The hash ${hashName}`);
  const value = publicExponent.reduce((sum, byte) => sum * 256 + byte, 0);
  if (value !== 65_537) notSupported(`The exponent ${value}`);
  if (!MODULUS_LENGTHS.includes(modulusLength)) notSupported(`A modulus of ${modulusLength} bits`);
  return { name: 'RSASSA-PKCS1-v1_5', modulusLength };
}

export async function generateCertificate(identifier: object | string): Promise<RTCCertificate> {
  const algorithm = keygenAlgorithm(identifier);
  const expiration = typeof identifier === 'object' ? identifier : {};
  const { expires } = RTCCertificateExpiration(expiration, 'The algorithm');
  return new RTCCertificate(internal, await native.generateCertificate(algorithm, expires ?? null));
}
