import {
  CONTROL_PROTOCOL_VERSION,
  type Assignment,
  type EndpointFrame,
  type EndpointProgress,
  type ServerFrame,
} from '#libs/contracts';
import type { WebSocket } from 'ws';
import { GREETING_LIMIT_MS, MAX_REPORTS_UNDER_WAY } from '../channel/channel-limits.js';
import { CloseCode, fitCloseReason } from '../channel/close-code.js';
import { decodeServerFrame, encodeFrame } from '../channel/frame.codec.js';
import { keepAlive } from '../channel/heartbeat.js';
import { messageText } from '../channel/message-text.js';
import type { Scheduler } from '../channel/scheduler.js';
import type { Outbox } from './outbox.js';

/** Telemetry is dropped rather than piled up behind a slow link. */
const MAX_WAITING_PROGRESS_BYTES = 256 * 1024;

export interface EndChannelOptions {
  readonly socket: WebSocket;
  readonly outbox: Outbox;
  readonly scheduler: Scheduler;
  readonly software: string;
  readonly assignmentId: string | null;
  /** PEM; left out by ends without one. */
  readonly dataCertificate?: string | undefined;
  readonly onAssignment: (assignment: Assignment) => void;
  readonly onRefused: (reportId: string, code: string, message: string) => void;
}

export interface ChannelEnd {
  readonly code: number;
  readonly reason: string;
  /** The server had answered `hello`. */
  readonly welcomed: boolean;
}

/**
 * The end's half of the protocol on one open socket, whoever dialled: greets, passes assignments on, sends the outbox
 * in order and takes the answers.
 */
export class EndChannel {
  /** Resolves once, when the socket is closed. */
  readonly ended: Promise<ChannelEnd>;
  readonly #options: EndChannelOptions;
  readonly #stopHeartbeat: () => void;
  readonly #cancelGreeting: () => void;
  #welcomed = false;
  #ownReason: string | undefined;

  constructor(options: EndChannelOptions) {
    this.#options = options;
    const { socket, scheduler, outbox } = options;
    outbox.connectionLost();
    this.#stopHeartbeat = keepAlive(socket, scheduler, () => {
      this.#ownReason ??= 'no sign of life from the server';
      socket.terminate();
    });
    this.#cancelGreeting = scheduler.after(GREETING_LIMIT_MS, () => {
      this.close(CloseCode.protocolViolated, 'no welcome in time');
    });
    socket.on('message', (data, isBinary) => {
      if (this.#ownReason !== undefined) return;
      if (isBinary) this.close(CloseCode.unsupportedData, 'binary messages are not accepted');
      else this.#receive(messageText(data));
    });
    socket.on('error', (error) => {
      this.#ownReason ??= error.message;
    });
    this.ended = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#stopHeartbeat();
        this.#cancelGreeting();
        resolve({ code, reason: this.#ownReason ?? reason.toString('utf8'), welcomed: this.#welcomed });
      });
    });
    this.#send({
      type: 'hello',
      protocolVersion: CONTROL_PROTOCOL_VERSION,
      software: options.software,
      assignmentId: options.assignmentId,
      ...(options.dataCertificate === undefined ? {} : { dataCertificate: options.dataCertificate }),
    });
  }

  /** Sends what waits in the outbox, as far as the window allows. */
  sendReports(): void {
    if (!this.#welcomed || !this.#open) return;
    const { outbox, scheduler } = this.#options;
    for (const { reportId, report, madeAtMs } of outbox.takeNext(MAX_REPORTS_UNDER_WAY)) {
      const ageMs = Math.max(0, Math.round(scheduler.nowMs() - madeAtMs));
      this.#send({ type: 'report', reportId, ageMs, report });
    }
  }

  sendProgress(progress: EndpointProgress): void {
    if (!this.#welcomed || this.#options.socket.bufferedAmount > MAX_WAITING_PROGRESS_BYTES) return;
    this.#send({ type: 'progress', progress });
  }

  close(code: CloseCode, reason: string): void {
    this.#ownReason ??= reason;
    const { socket, scheduler } = this.#options;
    socket.close(code, fitCloseReason(reason));
    const cancel = scheduler.after(2_000, () => {
      socket.terminate();
    });
    socket.once('close', cancel);
  }

  get #open(): boolean {
    return this.#ownReason === undefined && this.#options.socket.readyState === this.#options.socket.OPEN;
  }

  #receive(text: string): void {
    const received = decodeServerFrame(text);
    switch (received.kind) {
      case 'malformed':
        this.close(CloseCode.protocolViolated, received.message);
        return;
      case 'version-unsupported':
        this.close(CloseCode.versionUnsupported, `the server speaks protocol version ${received.version}`);
        return;
      case 'frame':
        this.#take(received.frame);
        return;
    }
  }

  #take(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.#welcomed = true;
        this.#cancelGreeting();
        this.sendReports();
        return;
      case 'assignment':
        this.#options.onAssignment(frame.assignment);
        return;
      case 'acknowledged':
        this.#options.outbox.answered(frame.reportId, 'acknowledged');
        this.sendReports();
        return;
      case 'refused':
        this.#options.onRefused(frame.reportId, frame.code, frame.message);
        this.#options.outbox.answered(frame.reportId, 'refused');
        this.sendReports();
        return;
    }
  }

  #send(frame: EndpointFrame): void {
    if (this.#open) this.#options.socket.send(encodeFrame(frame));
  }
}
