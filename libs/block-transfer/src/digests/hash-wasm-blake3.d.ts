/** The one algorithm by itself: a twelfth of the library, whose typings cover its main module only. */
declare module 'hash-wasm/dist/blake3.umd.min.js' {
  import type { createBLAKE3 } from 'hash-wasm';

  const library: { createBLAKE3: typeof createBLAKE3 };
  export default library;
}
