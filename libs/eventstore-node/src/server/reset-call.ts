import { constants, type Http2Stream } from 'node:http2';

/**
 * Cuts a call off at once, with what waits to be sent. grpc-js has no way to do that: its errors queue behind the
 * messages, which is of no use when nobody reads them. So this reaches for the HTTP/2 stream below the call.
 *
 * @returns false when the stream is not where it was in the version this was written for
 */
export function resetCall(call: object): boolean {
  const inner: unknown = 'call' in call ? call.call : undefined;
  const stream: unknown = typeof inner === 'object' && inner !== null && 'stream' in inner ? inner.stream : undefined;
  if (!isHttp2Stream(stream)) return false;
  stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  return true;
}

const isHttp2Stream = (value: unknown): value is Http2Stream =>
  typeof value === 'object' && value !== null && 'rstCode' in value && 'close' in value;
