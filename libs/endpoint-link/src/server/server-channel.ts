import type { Assignment, EndpointProgress, EndpointReport, ServerFrame } from '#libs/contracts';
import { CONTROL_PROTOCOL_VERSION } from '#libs/contracts';
import type { WebSocket } from 'ws';
import { GREETING_LIMIT_MS, MAX_WAITING_BYTES } from '../channel/channel-limits.js';
import { CloseCode, fitCloseReason } from '../channel/close-code.js';
import { decodeEndpointFrame, encodeFrame } from '../channel/frame.codec.js';
import { keepAlive } from '../channel/heartbeat.js';
import { messageText } from '../channel/message-text.js';
import type { Scheduler } from '../channel/scheduler.js';
import type { Hello } from './link-server.ports.js';

/** How long the other side may take to answer a close before the socket is cut. */
const CLOSE_LIMIT_MS = 2_000;

export interface ServerChannelHandlers {
  onHello(hello: Hello): void;
  /** @param ageMs how old the report was when it arrived */
  onReport(reportId: string, report: EndpointReport, ageMs: number): void;
  /** A report in a proper envelope whose content is not understood. */
  onUnknownReport(reportId: string, message: string): void;
  onProgress(progress: EndpointProgress): void;
  /** Once, whoever closed. */
  onClosed(reason: string): void;
}

/**
 * The server's half of the protocol on one open socket. It does not matter here who dialled.
 * Anything that is not the protocol closes the socket with a code; nothing throws.
 */
export class ServerChannel {
  readonly #socket: WebSocket;
  readonly #scheduler: Scheduler;
  readonly #handlers: ServerChannelHandlers;
  readonly #stopHeartbeat: () => void;
  readonly #cancelGreeting: () => void;
  #greeted = false;
  #closed = false;
  /** Set when this side closes; the socket's own account of it is vaguer. */
  #ownReason: string | undefined;

  constructor(socket: WebSocket, scheduler: Scheduler, handlers: ServerChannelHandlers) {
    this.#socket = socket;
    this.#scheduler = scheduler;
    this.#handlers = handlers;
    this.#stopHeartbeat = keepAlive(socket, scheduler, () => {
      this.#cut('no sign of life');
    });
    this.#cancelGreeting = scheduler.after(GREETING_LIMIT_MS, () => {
      if (!this.#greeted) this.close(CloseCode.protocolViolated, 'no hello in time');
    });
    socket.on('message', (data, isBinary) => {
      if (this.#ownReason !== undefined) return;
      if (isBinary) this.close(CloseCode.unsupportedData, 'binary messages are not accepted');
      else this.#receive(messageText(data));
    });
    // Without a listener a violation of the WebSocket protocol itself would end the process; `close` follows it.
    socket.on('error', (error) => {
      this.#ownReason ??= `socket error: ${error.message}`;
    });
    socket.on('close', (code, reason) => {
      this.#finish(this.#ownReason ?? `closed by the endpoint (${code} ${reason.toString('utf8')})`);
    });
  }

  get closed(): boolean {
    return this.#closed || this.#ownReason !== undefined;
  }

  welcome(): void {
    this.#send({ type: 'welcome', protocolVersion: CONTROL_PROTOCOL_VERSION });
  }

  assign(assignment: Assignment): boolean {
    return this.#send({ type: 'assignment', assignment });
  }

  acknowledge(reportId: string): void {
    this.#send({ type: 'acknowledged', reportId });
  }

  refuse(reportId: string, code: string, message: string): void {
    this.#send({ type: 'refused', reportId, code, message });
  }

  close(code: CloseCode, reason: string): void {
    if (this.closed) return;
    this.#ownReason = reason;
    this.#socket.close(code, fitCloseReason(reason));
    const cancel = this.#scheduler.after(CLOSE_LIMIT_MS, () => {
      this.#socket.terminate();
    });
    this.#socket.once('close', cancel);
  }

  #receive(text: string): void {
    const received = decodeEndpointFrame(text);
    switch (received.kind) {
      case 'malformed':
        this.close(CloseCode.protocolViolated, received.message);
        return;
      case 'version-unsupported':
        this.close(CloseCode.versionUnsupported, `protocol version ${received.version} is not spoken here`);
        return;
      case 'unknown-report':
        if (this.#inTurn()) this.#handlers.onUnknownReport(received.reportId, received.message);
        return;
      case 'frame':
        break;
    }
    const { frame } = received;
    switch (frame.type) {
      case 'hello':
        if (this.#greeted) {
          this.close(CloseCode.protocolViolated, 'a second hello');
          return;
        }
        this.#greeted = true;
        this.#cancelGreeting();
        this.#handlers.onHello(frame);
        return;
      case 'report':
        if (this.#inTurn()) this.#handlers.onReport(frame.reportId, frame.report, frame.ageMs);
        return;
      case 'progress':
        if (this.#inTurn()) this.#handlers.onProgress(frame.progress);
        return;
    }
  }

  #inTurn(): boolean {
    if (!this.#greeted) this.close(CloseCode.protocolViolated, 'a frame before hello');
    return this.#greeted;
  }

  #send(frame: ServerFrame): boolean {
    if (this.closed || this.#socket.readyState !== this.#socket.OPEN) return false;
    if (this.#socket.bufferedAmount > MAX_WAITING_BYTES) {
      this.#cut('the endpoint does not read');
      return false;
    }
    this.#socket.send(encodeFrame(frame));
    return true;
  }

  #cut(reason: string): void {
    this.#ownReason ??= reason;
    this.#socket.terminate();
  }

  #finish(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopHeartbeat();
    this.#cancelGreeting();
    this.#handlers.onClosed(reason);
  }
}
