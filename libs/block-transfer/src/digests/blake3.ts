import { reasonOf } from '../endpoint-failure.js';

/** BLAKE3 with 256 bits. One at a time: an implementation keeps state between its calls. */
export interface Blake3 {
  /** `native`: the add-on of this platform; `webassembly`: the same digests at a sixth of the speed. */
  readonly kind: 'native' | 'webassembly';
  /** Why it is not the native one. */
  readonly reason: string | null;
  /** 32 bytes, the caller's own. */
  digest(data: Uint8Array): Uint8Array;
}

/**
 * The native add-on is made for one platform and C library each, and agents run on machines that nobody chose. So there
 * is a second implementation for everywhere else: digests are the same, and no end has to say what it can.
 */
export async function openBlake3(loadNative: typeof nativeBlake3 = nativeBlake3): Promise<Blake3> {
  try {
    return proven('native', null, await loadNative());
  } catch (error) {
    return proven('webassembly', reasonOf(error), await webAssemblyBlake3());
  }
}

/**
 * By the streaming interface and as text, although the add-on has a function that gives bytes: those are memory outside
 * of the heap, which is given back only between two turns of the event loop, 300 bytes for each of millions of calls.
 */
async function nativeBlake3(): Promise<Blake3['digest']> {
  const { Blake3Hasher } = await import('@napi-rs/blake-hash');
  const hasher = new Blake3Hasher();
  return (data) => {
    hasher.reset();
    hasher.update(Buffer.from(data.buffer, data.byteOffset, data.length));
    return Buffer.from(hasher.digest('hex'), 'hex');
  };
}

async function webAssemblyBlake3(): Promise<Blake3['digest']> {
  const { createBLAKE3 } = (await import('hash-wasm/dist/blake3.umd.min.js')).default;
  const hasher = await createBLAKE3();
  return (data) => {
    hasher.init();
    hasher.update(data);
    return hasher.digest('binary');
  };
}

/** Long enough for the vector code of an implementation, and with an incomplete last chunk. */
const PROOF_BYTES = 31_744;
/** Of bytes that count from 0 to 250 again and again: from the test vectors that come with the specification. */
const PROOF_DIGEST = '62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47';

/** @throws Error when the implementation computes something else, as one for another processor might */
function proven(kind: Blake3['kind'], reason: string | null, digest: Blake3['digest']): Blake3 {
  const proof = Uint8Array.from({ length: PROOF_BYTES }, (_, index) => index % 251);
  if (Buffer.from(digest(proof)).toString('hex') !== PROOF_DIGEST) throw new Error(`${kind} BLAKE3 computes wrong`);
  return { kind, reason, digest };
}

/** The one that this process uses. */
export const blake3: Blake3 = await openBlake3();

/** A program's name as the server shows and records it: that its digests are slow belongs to it. */
export function nameWithBlake3(software: string, { kind }: Pick<Blake3, 'kind'> = blake3): string {
  return kind === 'native' ? software : `${software} (slow BLAKE3)`;
}

/** Which implementation a program uses, for its log. */
export function describeBlake3({ kind, reason }: Pick<Blake3, 'kind' | 'reason'> = blake3): {
  readonly level: 'info' | 'warn';
  readonly message: string;
} {
  return kind === 'native'
    ? { level: 'info', message: 'BLAKE3 is native.' }
    : { level: 'warn', message: `BLAKE3 is ${kind}, at a sixth of the speed: ${reason}` };
}
