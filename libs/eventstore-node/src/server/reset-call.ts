import { constants, type Http2Stream } from 'node:http2';

/**
 * The HTTP/2 stream below a call of grpc-js, which it does not show. Needed where its own means are too weak: its errors
 * queue behind messages that nobody reads, and it does not say what it has received of a message that is not complete.
 *
 * @param call what a handler or an interceptor is given
 * @returns undefined when the stream is not where it was in the version this was written for (1.14)
 */
export function http2StreamOf(call: object): Http2Stream | undefined {
  const inner: unknown = 'call' in call ? call.call : call;
  const stream: unknown = typeof inner === 'object' && inner !== null && 'stream' in inner ? inner.stream : undefined;
  return isHttp2Stream(stream) ? stream : undefined;
}

/** Cuts a call off at once, with what waits to be sent. @returns false when there is no stream to cut */
export function resetCall(call: object): boolean {
  const stream = http2StreamOf(call);
  if (stream === undefined) return false;
  resetStream(stream);
  return true;
}

export function resetStream(stream: Http2Stream): void {
  stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}

const isHttp2Stream = (value: unknown): value is Http2Stream =>
  typeof value === 'object' && value !== null && 'rstCode' in value && 'close' in value;
