/** The library's typings cover its main module only. */
declare module 'crc-32/crc32c.js' {
  const library: {
    /** CRC-32C of the bytes, going on from `seed`; signed. */
    buf(data: Uint8Array, seed?: number): number;
  };
  export default library;
}
