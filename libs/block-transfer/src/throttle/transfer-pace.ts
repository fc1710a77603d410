/**
 * What a round asks before it takes anything of the machine. Both wait for their turn, then do the work and resolve, or
 * reject, as it does. An aborted signal ends the waiting at once, with its reason; work that has begun ends by itself.
 */
export interface TransferPace {
  /** A read of the source's disk. */
  read<T>(bytes: number, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** A request to the target with so many bytes of payload; the overhead is added here. */
  write<T>(payloadBytes: number, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** As fast as it goes. */
export const UNPACED: TransferPace = {
  read: async (_bytes, work) => work(),
  write: async (_payloadBytes, work) => work(),
};

/** Header of an NBD request and of its reply, in bytes (NBD protocol, simple replies). */
const NBD_HEADER_BYTES = 28 + 16;
/** TLS 1.3: up to 16 KiB of content in a record, with a header of 5 bytes, a type byte and a tag of 16. */
const TLS_RECORD_BYTES = 16 * 1024;
const TLS_OVERHEAD_BYTES = 5 + 1 + 16;
/** What a packet of 1,500 bytes carries: 20 bytes are IP's, 20 are TCP's and 12 its timestamps. */
const PACKET_BYTES = 1500;
const SEGMENT_BYTES = PACKET_BYTES - 52;

/**
 * What a request of so much payload makes the network carry, counted as IP packets on a usual Ethernet. It is a little
 * too much where packets are larger or the path is not encrypted: a cap is an upper bound.
 */
export const wireBytesOf = (payloadBytes: number): number => {
  const stream = payloadBytes + NBD_HEADER_BYTES;
  const records = Math.ceil(stream / TLS_RECORD_BYTES);
  return Math.ceil(((stream + records * TLS_OVERHEAD_BYTES) * PACKET_BYTES) / SEGMENT_BYTES);
};
