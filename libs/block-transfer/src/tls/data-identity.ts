import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import { generateKeyPair, randomBytes, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The other end's clock may be this far behind. */
const VALID_BEFORE_MS = 365 * DAY_MS;
/** No process works for that long, and a clock may be ahead by years of it. */
const VALID_AFTER_MS = 5 * 365 * DAY_MS;
const SERIAL_BYTES = 16;
/** RFC 5758, section 3.2. */
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
/** X.520: common name. */
const COMMON_NAME = '2.5.4.3';
const PEM_LINE_CHARACTERS = 64;

/** What one end of the data path is known by. */
export interface DataIdentity {
  /** PEM, signed by its own key. It names nobody: the other end has this very certificate and accepts no other. */
  readonly certificate: string;
  /** PEM (PKCS #8). A secret that never leaves the machine. */
  readonly privateKey: string;
}

/**
 * Makes a key pair (ECDSA on P-256) and a certificate for it, in memory. The certificate cannot vouch for others
 * (`CA:FALSE`). It is valid from a year ago and for five years, so that clocks need to be right to within a year only.
 * @param end a word for people who look at the certificate
 */
export async function makeDataIdentity(end: string, now: Date = new Date()): Promise<DataIdentity> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'prime256v1' });
  return {
    certificate: pem('CERTIFICATE', selfSigned(end, now, publicKey, privateKey)),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** RFC 5280, section 4.1. */
function selfSigned(end: string, now: Date, publicKey: KeyObject, privateKey: KeyObject): ArrayBuffer {
  const serial = randomBytes(SERIAL_BYTES);
  // An integer of full length that is positive.
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  const name = nameOf(`landfall ${end} ${serial.toString('hex')}`);
  const signatureAlgorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: arrayBuffer(serial),
    signature: signatureAlgorithm,
    issuer: name,
    validity: new Validity({ notBefore: timeAt(now, -VALID_BEFORE_MS), notAfter: timeAt(now, VALID_AFTER_MS) }),
    subject: name,
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo),
    extensions: new Extensions([
      critical(id_ce_basicConstraints, new BasicConstraints({ cA: false })),
      critical(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature)),
    ]),
  });
  const signed = Buffer.from(AsnConvert.serialize(tbsCertificate));
  const signatureValue = arrayBuffer(sign('sha256', signed, privateKey));
  return AsnConvert.serialize(new Certificate({ tbsCertificate, signatureAlgorithm, signatureValue }));
}

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

/** A certificate counts in whole seconds (RFC 5280, section 4.1.2.5). */
function timeAt(now: Date, offsetMs: number): Date {
  return new Date(Math.floor((now.getTime() + offsetMs) / 1000) * 1000);
}

function critical(extnID: string, value: object): Extension {
  return new Extension({ extnID, critical: true, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(new RegExp(`.{1,${PEM_LINE_CHARACTERS}}`, 'g')) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
