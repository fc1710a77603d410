/** How one of our own copies is made; the benchmark's table of what it compares. */
export interface Variant {
  readonly name: string;
  readonly tls: boolean;
  /** `none` exists in this benchmark's own bundle alone: no program of the product can leave digests out. */
  readonly digest: 'none' | 'sha256' | 'blake3';
}

export const CLEAR_NO_DIGEST: Variant = { name: 'landfall, no digests', tls: false, digest: 'none' };
export const CLEAR_BLAKE3: Variant = { name: 'landfall, BLAKE3', tls: false, digest: 'blake3' };
export const TLS_BLAKE3: Variant = { name: 'landfall, BLAKE3, TLS', tls: true, digest: 'blake3' };
export const TLS_SHA256: Variant = { name: 'landfall, SHA-256, TLS', tls: true, digest: 'sha256' };

/** As an agent sends when nobody chose otherwise; what everything but a plain full copy is measured with. */
export const BASIC_VARIANT = TLS_BLAKE3;

export const VARIANTS: readonly Variant[] = [CLEAR_NO_DIGEST, CLEAR_BLAKE3, TLS_BLAKE3, TLS_SHA256];
