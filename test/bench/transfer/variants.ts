/** How one of our own copies is made; the benchmark's table of what it compares. */
export interface Variant {
  readonly name: string;
  readonly tls: boolean;
  /** `none` exists in this benchmark's own bundle alone: no program of the product can leave digests out. */
  readonly digest: 'none' | 'sha256';
}

export const CLEAR_NO_DIGEST: Variant = { name: 'landfall, no digests', tls: false, digest: 'none' };
export const CLEAR_SHA256: Variant = { name: 'landfall, SHA-256', tls: false, digest: 'sha256' };

/** What everything but a plain full copy is measured with: it shall become TLS with BLAKE3, as an agent sends. */
export const BASIC_VARIANT = CLEAR_SHA256;

/** What is compared now. TLS and BLAKE3 become rows here as soon as the data plane has them. */
export const VARIANTS: readonly Variant[] = [CLEAR_NO_DIGEST, CLEAR_SHA256];
