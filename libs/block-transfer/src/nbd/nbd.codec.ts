/**
 * Words of the NBD protocol (the protocol document of the NetworkBlockDevice project), as far as they are spoken
 * here: fixed newstyle negotiation, simple replies. All integers are big-endian. Pure: bytes in, bytes out.
 */

/** A single request never carries more payload than this: larger ones are legal only after negotiation. */
export const MAX_PAYLOAD_BYTES = 32 * 1024 * 1024;
/** Requests without payload (zeroes, trim) may cover as much as the length field can say, kept to whole MiB. */
export const MAX_RANGE_BYTES = 0xfff00000;

export const REQUEST_HEADER_BYTES = 28;
export const REPLY_HEADER_BYTES = 16;
export const GREETING_BYTES = 18;
export const OPTION_REPLY_HEADER_BYTES = 20;

const GREETING_MAGIC = 0x4e42444d41474943n; // NBDMAGIC
const OPTION_MAGIC = 0x49484156454f5054n; // IHAVEOPT
const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
const REQUEST_MAGIC = 0x25609513;
const REPLY_MAGIC = 0x67446698;

const SERVER_FIXED_NEWSTYLE = 1;
const SERVER_NO_ZEROES = 2;
const CLIENT_FIXED_NEWSTYLE = 1;
const CLIENT_NO_ZEROES = 2;

export const OPTION_STARTTLS = 5;
export const OPTION_GO = 7;
export const REPLY_ACK = 1;
export const REPLY_INFO = 3;
const REPLY_ERROR_BIT = 0x80000000;
const INFO_EXPORT = 0;
const INFO_BLOCK_SIZE = 3;

/** Request types. */
export const Command = { READ: 0, WRITE: 1, DISCONNECT: 2, FLUSH: 3, TRIM: 4, WRITE_ZEROES: 6 } as const;
export type Command = (typeof Command)[keyof typeof Command];

/** Error numbers of replies. */
export const NbdError = { EPERM: 1, EIO: 5, ENOMEM: 12, EINVAL: 22, ENOSPC: 28, ENOTSUP: 95, ESHUTDOWN: 108 } as const;

/** What the server said about the export. Commands that are not advertised must not be sent: servers may abort. */
export interface ExportInfo {
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly canFlush: boolean;
  readonly canTrim: boolean;
  readonly canWriteZeroes: boolean;
  /** A FLUSH on one connection covers the finished writes of all. */
  readonly multiConn: boolean;
}

export class NbdProtocolError extends Error {
  override readonly name = 'NbdProtocolError';
}

/** The channel cannot be made secure, or somebody meddles with it while it is not. */
export class NbdInsecureError extends Error {
  override readonly name = 'NbdInsecureError';
}

/** Checks the first words of a server. Throws {@link NbdProtocolError} for anything but fixed newstyle. */
export function decodeGreeting(bytes: Buffer): { noZeroes: boolean } {
  if (bytes.readBigUInt64BE(0) !== GREETING_MAGIC) throw new NbdProtocolError('the other end is no NBD server');
  if (bytes.readBigUInt64BE(8) !== OPTION_MAGIC) throw new NbdProtocolError('the server speaks only oldstyle NBD');
  const flags = bytes.readUInt16BE(16);
  if ((flags & SERVER_FIXED_NEWSTYLE) === 0) throw new NbdProtocolError('the server cannot negotiate options');
  return { noZeroes: (flags & SERVER_NO_ZEROES) !== 0 };
}

export function encodeClientFlags(noZeroes: boolean): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(CLIENT_FIXED_NEWSTYLE | (noZeroes ? CLIENT_NO_ZEROES : 0));
  return bytes;
}

/** The option that names the export and, once acknowledged, ends the negotiation. */
export function encodeGo(exportName: string): Buffer {
  const name = Buffer.from(exportName, 'utf8');
  const data = Buffer.alloc(4 + name.length + 4);
  data.writeUInt32BE(name.length, 0);
  data.set(name, 4);
  data.writeUInt16BE(1, 4 + name.length);
  data.writeUInt16BE(INFO_BLOCK_SIZE, 6 + name.length);
  return encodeOption(OPTION_GO, data);
}

/** The option after whose acknowledgement the connection goes on in TLS. */
export function encodeStartTls(): Buffer {
  return encodeOption(OPTION_STARTTLS, Buffer.alloc(0));
}

function encodeOption(option: number, data: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeBigUInt64BE(OPTION_MAGIC, 0);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, data]);
}

export interface OptionReplyHeader {
  readonly option: number;
  readonly type: number;
  readonly isError: boolean;
  readonly dataBytes: number;
}

export function decodeOptionReplyHeader(bytes: Buffer): OptionReplyHeader {
  if (bytes.readBigUInt64BE(0) !== OPTION_REPLY_MAGIC) throw new NbdProtocolError('not an option reply');
  const type = bytes.readUInt32BE(12);
  return {
    option: bytes.readUInt32BE(8),
    type,
    isError: (type & REPLY_ERROR_BIT) !== 0,
    dataBytes: bytes.readUInt32BE(16),
  };
}

/** What an error reply to an option means. */
export function optionErrorText(type: number): string {
  const texts: Readonly<Record<number, string>> = {
    1: 'the server does not know the option',
    2: 'the server forbids it',
    3: 'the server calls the request malformed',
    5: 'the server demands TLS',
    6: 'the server has no such export',
    7: 'the server is shutting down',
    8: 'the server demands block sizes to be asked for',
  };
  return texts[(type & 0x7fffffff) >>> 0] ?? `error ${(type & 0x7fffffff) >>> 0}`;
}

export type Info =
  | { readonly kind: 'export'; readonly info: ExportInfo }
  | { readonly kind: 'block-size'; readonly minimumBytes: number; readonly maximumPayloadBytes: number }
  | { readonly kind: 'other' };

export function decodeInfo(data: Buffer): Info {
  const type = data.length >= 2 ? data.readUInt16BE(0) : -1;
  if (type === INFO_EXPORT && data.length === 12) {
    return { kind: 'export', info: exportInfo(data.readBigUInt64BE(2), data.readUInt16BE(10)) };
  }
  if (type === INFO_BLOCK_SIZE && data.length === 14) {
    return { kind: 'block-size', minimumBytes: data.readUInt32BE(2), maximumPayloadBytes: data.readUInt32BE(10) };
  }
  if (type === INFO_EXPORT || type === INFO_BLOCK_SIZE || type === -1)
    throw new NbdProtocolError('malformed info reply');
  return { kind: 'other' };
}

function exportInfo(size: bigint, flags: number): ExportInfo {
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new NbdProtocolError(`an export of ${size.toString()} bytes`);
  const known = (flags & 1) !== 0;
  const has = (bit: number): boolean => known && (flags & (1 << bit)) !== 0;
  return {
    sizeBytes: Number(size),
    readOnly: has(1),
    canFlush: has(2),
    canTrim: has(5),
    canWriteZeroes: has(6),
    multiConn: has(8),
  };
}

export interface Request {
  readonly command: Command;
  readonly cookie: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** A request without command flags. `cookie` is 32 bits wide here, enough to tell apart what is in flight. */
export function encodeRequest({ command, cookie, offsetBytes, lengthBytes }: Request): Buffer {
  const bytes = Buffer.alloc(REQUEST_HEADER_BYTES);
  bytes.writeUInt32BE(REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(command, 6);
  bytes.writeUInt32BE(cookie, 12);
  bytes.writeUInt32BE(Math.floor(offsetBytes / 2 ** 32), 16);
  bytes.writeUInt32BE(offsetBytes % 2 ** 32, 20);
  bytes.writeUInt32BE(lengthBytes, 24);
  return bytes;
}

export function decodeReplyHeader(bytes: Buffer): { error: number; cookie: number } {
  if (bytes.readUInt32BE(0) !== REPLY_MAGIC) throw new NbdProtocolError('not a reply');
  if (bytes.readUInt32BE(8) !== 0) throw new NbdProtocolError('a reply to nothing that was asked');
  return { error: bytes.readUInt32BE(4), cookie: bytes.readUInt32BE(12) };
}
