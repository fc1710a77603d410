import type { Assignments } from '../../../apps/transfer/src/control-channel/assignments.js';
import type { DataSeen } from '../../../apps/transfer/src/control-channel/data-seen/data-seen.js';
import type {
  ConnectionName,
  ConnectionNotes,
} from '../../../apps/transfer/src/control-channel/presence/connection-notes.js';
import type { ReportHandler } from '../../../apps/transfer/src/control-channel/report-handler.js';
import type { EndpointFrame, EndpointKind, ServerFrame } from '#libs/contracts';
import { DomainError } from '#libs/eventsourcing';
import type { Connection } from '../world/network.js';
import type { Random } from '../world/random.js';
import type { Ground } from './service.js';

export interface ControlChannelPorts extends Ground {
  readonly random: Random;
  readonly reports: ReportHandler;
  readonly assignments: Assignments;
  readonly notes: ConnectionNotes;
  readonly dataSeen: DataSeen;
}

interface Identity {
  readonly endpointId: string;
  readonly kind: EndpointKind;
}

/** What is known of one connection. */
interface Channel {
  readonly connectionId: string;
  readonly connection: Connection;
  isAnnounced: boolean;
}

/** One endpoint across its connections: its events are handled one after another. */
interface Session extends Identity {
  current: Channel | null;
  queue: Promise<void>;
  /** The newest assignment on its way. */
  assigning: Promise<void>;
}

type Hello = Extract<EndpointFrame, { type: 'hello' }>;
type Report = Extract<EndpointFrame, { type: 'report' }>;

/**
 * The server's side of the control channel in one process of the transfer service: what ControlChannel and LinkServer
 * do over HTTP and WebSockets, over the simulated network. Everything that they decide or record is done by their own
 * parts.
 */
export class ControlChannel {
  /** It is killed, and never closed in order. */
  readonly isClosing = false;
  readonly #sessions = new Map<string, Session>();
  readonly #listeners = new Set<() => void>();

  constructor(private readonly ports: ControlChannelPorts) {}

  get isOver(): boolean {
    return this.ports.life.isOver;
  }

  /** @returns takes the listener back, which is called when a connection comes, goes, or is announced */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connections(): readonly (ConnectionName & { readonly isAnnounced: boolean })[] {
    return [...this.#sessions.values()].flatMap(({ endpointId, current }) =>
      current?.connection.isOpenAt('server') === true
        ? [{ endpointId, connectionId: current.connectionId, isAnnounced: current.isAnnounced }]
        : [],
    );
  }

  close({ endpointId, connectionId }: ConnectionName, _reason: string): void {
    const session = this.#sessions.get(endpointId);
    if (session?.current?.connectionId === connectionId) this.#close(session, session.current);
  }

  serve({ endpointId, kind }: Identity, connection: Connection): void {
    const { life, random } = this.ports;
    const known = this.#sessions.get(endpointId);
    const session: Session = known ?? {
      ...{ endpointId, kind, current: null },
      ...{ queue: Promise.resolve(), assigning: Promise.resolve() },
    };
    this.#sessions.set(endpointId, session);
    const channel = { connectionId: random.uuid(), connection, isAnnounced: false };
    life.onEnd(() => connection.close('server'));
    connection.listen(
      'server',
      (message) => {
        if (!life.isOver) this.#receive(session, channel, message as EndpointFrame);
      },
      (why) => {
        if (!life.isOver) this.#leave(session, channel, why);
      },
    );
  }

  /**
   * News: what an endpoint should be doing may have changed; without its id, that of each may. One that is not announced
   * yet is told once it is.
   */
  assignmentChanged(endpointId?: string): void {
    for (const session of this.#sessions.values()) {
      if (session.current?.isAnnounced !== true) continue;
      if (endpointId === undefined || session.endpointId === endpointId) void this.#assign(session);
    }
  }

  /** One after the other: what was worked out first must not be sent last. */
  async #assign(session: Session): Promise<void> {
    session.assigning = session.assigning.then(() => this.#assignNow(session));
    await session.assigning;
  }

  async #assignNow(session: Session): Promise<void> {
    try {
      const assignment = await this.ports.assignments.wantedOf(session.endpointId);
      if (session.current !== null) send(session.current, { type: 'assignment', assignment });
    } catch (error) {
      if (error instanceof TypeError) throw error;
      if (session.current !== null) this.#close(session, session.current);
    }
  }

  #receive(session: Session, channel: Channel, frame: EndpointFrame): void {
    switch (frame.type) {
      case 'hello':
        this.#greet(session, channel, frame);
        break;
      case 'report':
        this.#take(session, channel, frame);
        break;
      case 'progress':
        if (!channel.isAnnounced || session.kind !== 'restorer' || frame.progress.activity !== 'serving') break;
        this.ports.dataSeen.observe(frame.progress, new Date());
        break;
    }
  }

  #greet(session: Session, channel: Channel, hello: Hello): void {
    const earlier = session.current;
    if (earlier !== null) this.#close(session, earlier);
    session.current = channel;
    this.#changed();
    send(channel, { type: 'welcome', protocolVersion: 1 });
    this.#enqueue(session, channel, async () => {
      const { endpointId, kind } = session;
      await this.ports.notes.connected({ endpointId, kind, connectionId: channel.connectionId }, hello);
      channel.isAnnounced = true;
      this.#changed();
      await this.#assign(session);
    });
  }

  #take(session: Session, channel: Channel, { reportId, report, ageMs }: Report): void {
    const madeAtMs = this.ports.life.clock.nowMs - ageMs;
    this.#enqueue(session, channel, async () => {
      try {
        await this.ports.reports.handle(session.endpointId, reportId, report, new Date(madeAtMs));
        send(channel, { type: 'acknowledged', reportId });
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        send(channel, { type: 'refused', reportId, code: error.code, message: error.message });
      }
    });
  }

  /** A failure that may pass closes the connection: the end dials again and repeats what was not answered. */
  #enqueue(session: Session, channel: Channel, work: () => Promise<void>): void {
    session.queue = session.queue.then(async () => {
      if (!channel.connection.isOpenAt('server')) return;
      try {
        await work();
      } catch (error) {
        if (error instanceof TypeError) throw error;
        this.#close(session, channel);
      }
    });
  }

  #close(session: Session, channel: Channel): void {
    if (!channel.connection.isOpenAt('server')) return;
    channel.connection.close('server');
    this.#leave(session, channel, 'closed by the server');
  }

  #leave(session: Session, channel: Channel, why: string): void {
    if (session.current === channel) session.current = null;
    this.#changed();
    const { endpointId } = session;
    session.queue = session.queue.then(async () => {
      if (!channel.isAnnounced) return;
      channel.isAnnounced = false;
      // The sweep for lost connections notes what cannot be noted now.
      await this.ports.notes
        .disconnected({ endpointId, connectionId: channel.connectionId }, why)
        .catch(() => undefined);
    });
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

const send = ({ connection }: Channel, frame: ServerFrame): void => connection.send('server', frame);
