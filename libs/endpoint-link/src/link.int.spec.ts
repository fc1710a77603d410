import { CONTROL_PATH, ENDPOINT_ID_HEADER, type Assignment, type EndpointReport } from '#libs/contracts';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { MAX_REPORTS_UNDER_WAY } from './channel/channel-limits.js';
import {
  EndpointLink,
  enrolEndpoint,
  EnrolmentRefusedError,
  EnrolmentUnavailableError,
  LinkRefusedError,
  LinkServer,
  type EndpointCredential,
  type EndpointConnection,
  type LinkEvents,
  type ReportAnswer,
  type Scheduler,
  systemScheduler,
} from './index.js';
import { refuseUpgrade } from './server/refuse-upgrade.js';

const AGENT = { endpointId: '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a001', kind: 'agent' } as const;
const TASK = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a002';
const ROUND = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a003';
const ATTEMPT = '6f3fb0f4-9f0b-4a5e-a9cf-0a3f4be2a004';
const CREDENTIAL = 'its-credential';
const TOKEN = 'its-token';

const failed = (detail: string): EndpointReport => ({
  kind: 'round-failed',
  taskId: TASK,
  assignmentId: ATTEMPT,
  roundId: ROUND,
  code: 'DATA_PATH_LOST',
  detail,
});
const serve: Assignment = {
  kind: 'serve-exports',
  assignmentId: ATTEMPT,
  taskId: TASK,
  roundId: ROUND,
  attempt: 1,
  disks: [{ diskId: 'd', sizeBytes: 4096 }],
};
const hello = JSON.stringify({ type: 'hello', protocolVersion: 1, software: 'test', assignmentId: null });
const waitFor = <T>(fact: () => T): Promise<T> => vi.waitFor(fact, { timeout: 10_000, interval: 5 });

/** Writes down what the link says, in order, and answers reports as told. */
class Recorder implements LinkEvents {
  readonly diary: string[] = [];
  /** Ids of connections, as they came and as they went. */
  readonly came: string[] = [];
  readonly gone: string[] = [];
  readonly madeAt = new Map<string, Date>();
  answer: (detail: string) => Promise<ReportAnswer> = async () => ({ acknowledged: true });
  connected: () => Promise<void> = async () => undefined;

  async onConnected(
    { connectionId }: EndpointConnection,
    greeting: { software: string; assignmentId: string | null },
  ): Promise<void> {
    this.came.push(connectionId);
    this.diary.push(`connected ${greeting.software} ${greeting.assignmentId ?? 'idle'}`);
    await this.connected();
  }
  onDisconnected({ connectionId }: EndpointConnection): void {
    this.gone.push(connectionId);
    this.diary.push('disconnected');
  }
  async onReport(_endpoint: unknown, _reportId: string, report: EndpointReport, madeAt: Date): Promise<ReportAnswer> {
    const detail = report.kind === 'round-failed' ? report.detail : report.kind;
    this.madeAt.set(detail, madeAt);
    this.diary.push(`report ${detail}`);
    const answer = await this.answer(detail);
    this.diary.push(`answered ${detail}`);
    return answer;
  }
  onProgress(): void {
    this.diary.push('progress');
  }
}

describe('the link between a server and an end', () => {
  let http: Server;
  let recorder: Recorder;
  let linkServer: LinkServer;
  let port: number;
  let credential: EndpointCredential;
  /** Credentials that cannot be checked just now. */
  let failingChecks = 0;
  const aborts: AbortController[] = [];
  const sockets: WebSocket[] = [];

  const startServer = async (onPort = 0): Promise<void> => {
    http = createServer((_request, response) => response.writeHead(200).end('the owner of the server'));
    linkServer = new LinkServer({
      enroller: {
        enrol: async (request) => {
          if (request.name === 'unlucky') throw new Error('store away');
          return request.token === TOKEN
            ? { endpointId: AGENT.endpointId, credential: CREDENTIAL }
            : { refused: 'TOKEN_UNKNOWN', message: 'This token is not known.' };
        },
      },
      authenticator: {
        authenticate: async (endpointId, given) => {
          if (failingChecks-- > 0) throw new Error('store away');
          return endpointId === AGENT.endpointId && given === CREDENTIAL ? AGENT : null;
        },
      },
      events: recorder,
    });
    linkServer.attach(http);
    await new Promise<void>((resolve) => http.listen(onPort, '127.0.0.1', resolve));
    port = (http.address() as AddressInfo).port;
    credential = { serverUrl: `http://127.0.0.1:${port}`, endpointId: AGENT.endpointId, credential: CREDENTIAL };
  };
  const stopServer = async (): Promise<void> => {
    await linkServer.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  /** An end that dials again at once (random 0 gives half of the first backoff step). */
  const startEnd = (
    options: { given?: EndpointCredential; software?: string; inHand?: string; scheduler?: Scheduler } = {},
  ): Running => {
    const abort = new AbortController();
    aborts.push(abort);
    const link = new EndpointLink({
      credential: options.given ?? credential,
      software: options.software ?? 'test',
      assignmentInHand: () => options.inHand ?? null,
      scheduler: options.scheduler,
      random: () => 0,
    });
    const assignments: Assignment[] = [];
    link.onAssignment((assignment) => assignments.push(assignment));
    const ended = link.run(abort.signal);
    ended.catch(() => undefined);
    return { link, assignments, ended, stop: () => abort.abort() };
  };
  /** A socket without our own end behind it. */
  const rawSocket = async (): Promise<{ socket: WebSocket; closed: Promise<number> }> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${CONTROL_PATH}`, {
      headers: { authorization: `Bearer ${CREDENTIAL}`, [ENDPOINT_ID_HEADER]: AGENT.endpointId },
    });
    sockets.push(socket);
    socket.on('error', () => undefined);
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return { socket, closed };
  };
  interface Running {
    link: EndpointLink;
    assignments: Assignment[];
    ended: Promise<void>;
    stop: () => void;
  }

  beforeEach(async () => {
    recorder = new Recorder();
    await startServer();
  });
  afterEach(async () => {
    for (const abort of aborts.splice(0)) abort.abort();
    for (const socket of sockets.splice(0)) socket.terminate();
    await stopServer();
  });

  describe('enrolment', () => {
    const enrol = (token: string, name = 'host'): Promise<EndpointCredential> =>
      enrolEndpoint({ serverUrl: credential.serverUrl, token, kind: 'agent', name });
    const post = (body: string, method = 'POST'): Promise<Response> =>
      fetch(`${credential.serverUrl}/enrol`, { method, ...(method === 'POST' && { body }) });

    it('exchanges a token for a credential that connects', async () => {
      const given = await enrol(TOKEN);
      startEnd({ given });
      await waitFor(() => expect(linkServer.connections()).toMatchObject([AGENT]));
    });

    it('is refused for good with an unknown token', async () => {
      const refusal = await enrol('wrong').catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(EnrolmentRefusedError);
      expect(refusal).toMatchObject({ code: 'TOKEN_UNKNOWN', message: 'This token is not known.' });
    });

    it('can be tried later when the server could not take it, or is not there', async () => {
      await expect(enrol(TOKEN, 'unlucky')).rejects.toBeInstanceOf(EnrolmentUnavailableError);
      const gone = { serverUrl: 'http://127.0.0.1:9', token: TOKEN, kind: 'agent', name: 'host' } as const;
      await expect(enrolEndpoint(gone)).rejects.toBeInstanceOf(EnrolmentUnavailableError);
    });

    it('answers bad bodies with problem details', async () => {
      const answers = await Promise.all([
        post('{'),
        post('{"token":"x","kind":"gateway","name":"n"}'),
        post(`{"token":"${'x'.repeat(20_000)}"`),
        post('', 'GET'),
      ]);
      expect(answers.map((answer) => answer.status)).toEqual([400, 400, 413, 405]);
      expect(answers[0].headers.get('content-type')).toBe('application/problem+json');
      expect(await answers[2].json()).toMatchObject({ code: 'BODY_TOO_LARGE', status: 413 });
    });

    it('leaves every other request to the owner of the server', async () => {
      expect(await (await fetch(`${credential.serverUrl}/anything`)).text()).toBe('the owner of the server');
    });
  });

  it('sends assignments to a connected end only', async () => {
    expect(linkServer.assign(AGENT.endpointId, serve)).toBe(false);
    const end = startEnd();
    await waitFor(() => expect(recorder.diary).toEqual(['connected test idle']));
    expect(linkServer.assign(AGENT.endpointId, serve)).toBe(true);
    await waitFor(() => expect(end.assignments).toEqual([serve]));
  });

  it('can assign while the connection is being announced', async () => {
    recorder.connected = async () => {
      linkServer.assign(AGENT.endpointId, serve);
    };
    const end = startEnd();
    await waitFor(() => expect(end.assignments).toEqual([serve]));
  });

  it('answers reports one after the other, in order', async () => {
    recorder.answer = async (detail) => {
      await new Promise((resolve) => setImmediate(resolve));
      return detail === '1' ? { refused: 'ROUND_OVER', message: 'The round is over.' } : { acknowledged: true };
    };
    const end = startEnd();
    const outcomes = await Promise.all(['0', '1', '2'].map((detail) => end.link.report(failed(detail))));
    expect(outcomes).toEqual(['acknowledged', 'refused', 'acknowledged']);
    const expected = ['0', '1', '2'].flatMap((detail) => [`report ${detail}`, `answered ${detail}`]);
    expect(recorder.diary).toEqual(['connected test idle', ...expected]);
  });

  it('delivers more reports than may be under way at once', async () => {
    const end = startEnd();
    const details = Array.from({ length: MAX_REPORTS_UNDER_WAY * 5 }, (_, index) => String(index));
    await Promise.all(details.map((detail) => end.link.report(failed(detail))));
    expect(recorder.diary.filter((line) => line.startsWith('report'))).toEqual(
      details.map((detail) => `report ${detail}`),
    );
    expect(recorder.diary.filter((line) => line.startsWith('connected'))).toHaveLength(1);
  });

  it('loses no report when one cannot be taken: the channel closes and all come again in order', async () => {
    let away = 2;
    recorder.answer = async (detail) => {
      if (detail === '1' && away-- > 0) throw new Error('the event store is away');
      return { acknowledged: true };
    };
    const end = startEnd();
    const outcomes = await Promise.all(['0', '1', '2'].map((detail) => end.link.report(failed(detail))));
    expect(outcomes).toEqual(['acknowledged', 'acknowledged', 'acknowledged']);
    expect(recorder.diary.filter((line) => line.startsWith('answered'))).toEqual([
      'answered 0',
      'answered 1',
      'answered 2',
    ]);
    expect(recorder.diary.filter((line) => line === 'report 1')).toHaveLength(3);
    expect(recorder.diary.filter((line) => line === 'report 2')).toHaveLength(1);
    expect(recorder.diary.filter((line) => line.startsWith('connected'))).toHaveLength(3);
  });

  it('is tried again when the connection itself could not be recorded', async () => {
    let away = 1;
    recorder.connected = async () => {
      if (away-- > 0) throw new Error('the event store is away');
    };
    const end = startEnd();
    expect(await end.link.report(failed('0'))).toBe('acknowledged');
    expect(recorder.diary.filter((line) => line !== 'answered 0')).toEqual([
      'connected test idle',
      'connected test idle',
      'report 0',
    ]);
  });

  it('comes back to a restarted server and repeats what was not acknowledged', async () => {
    let release: (answer: ReportAnswer) => void = () => undefined;
    recorder.answer = (detail) =>
      detail === 'held' ? new Promise((resolve) => (release = resolve)) : Promise.resolve({ acknowledged: true });
    const end = startEnd();
    const held = end.link.report(failed('held'));
    const behind = end.link.report(failed('behind'));
    await waitFor(() => expect(recorder.diary).toContain('report held'));
    const stopped = stopServer();
    release({ acknowledged: true });
    await stopped;
    const first = recorder;
    recorder = new Recorder();
    await startServer(port);
    expect(await Promise.all([held, behind])).toEqual(['acknowledged', 'acknowledged']);
    expect(first.diary).toEqual(['connected test idle', 'report held', 'answered held', 'disconnected']);
    expect(recorder.diary.filter((line) => line.startsWith('report'))).toEqual(['report held', 'report behind']);
  });

  it('refuses a wrong credential for good', async () => {
    const end = startEnd({ given: { ...credential, credential: 'guessed' } });
    await expect(end.ended).rejects.toBeInstanceOf(LinkRefusedError);
    await expect(end.ended).rejects.toThrow(/Enrol this machine again/);
    expect(recorder.diary).toEqual([]);
  });

  it('dials again when the credential cannot be checked just now', async () => {
    failingChecks = 1;
    const end = startEnd();
    expect(await end.link.report(failed('0'))).toBe('acknowledged');
    expect(failingChecks).toBe(-1);
  });

  it('lets a second connection of an endpoint replace the first', async () => {
    const first = await rawSocket();
    first.socket.send(hello);
    await waitFor(() => expect(recorder.diary).toHaveLength(1));
    const second = startEnd({ software: 'second' });
    expect(await first.closed).toBe(4001);
    await waitFor(() => expect(recorder.diary).toContain('connected second idle'));
    linkServer.assign(AGENT.endpointId, serve);
    await waitFor(() => expect(second.assignments).toEqual([serve]));
    await waitFor(() => expect(recorder.diary).toContain('disconnected'));
    expect(linkServer.connections()).toMatchObject([AGENT]);
    // It is the first one that has gone, though it may go after the second has come.
    expect(recorder.came).toHaveLength(2);
    expect(recorder.gone).toEqual(recorder.came.slice(0, 1));
    expect(linkServer.connections()).toMatchObject([{ connectionId: recorder.came[1] }]);
  });

  it('tells what an end that comes back has in hand', async () => {
    startEnd({ inHand: ATTEMPT });
    await waitFor(() => expect(recorder.diary).toEqual([`connected test ${ATTEMPT}`]));
  });

  it('closes one connection of an end, which dials again; its next one is left alone', async () => {
    startEnd();
    await waitFor(() => expect(recorder.came).toHaveLength(1));
    const [first] = linkServer.connections();
    linkServer.disconnect(first!, 'to see whether its credential is still good');
    await waitFor(() => expect(recorder.came).toHaveLength(2));
    linkServer.disconnect(first!, 'once more');
    await waitFor(() => expect(recorder.gone).toEqual([first!.connectionId]));
    expect(linkServer.connections()).toMatchObject([{ connectionId: recorder.came[1] }]);
  });

  describe('the moment at which a report was made', () => {
    const secondsAgo = (instant: Date | undefined): number => (Date.now() - Number(instant)) / 1000;

    it("is told by the end's own clock, from the report to each sending of it, whatever that clock shows", async () => {
      let behindMs = 0;
      const shifted: Scheduler = { ...systemScheduler, nowMs: () => systemScheduler.nowMs() - 5e9 + behindMs };
      let away = 1;
      recorder.answer = async () => {
        behindMs += 600_000; // ten minutes pass at the end, and at nobody else's
        if (away-- > 0) throw new Error('the event store is away');
        return { acknowledged: true };
      };
      const end = startEnd({ scheduler: shifted });
      const report = end.link.report(failed('late'));
      await waitFor(() => expect(recorder.diary).toContain('report late'));
      expect(secondsAgo(recorder.madeAt.get('late'))).toBeLessThan(60);
      await report;
      expect(secondsAgo(recorder.madeAt.get('late'))).toBeGreaterThanOrEqual(600);
      expect(secondsAgo(recorder.madeAt.get('late'))).toBeLessThan(660);
    });

    it('counts the wait behind earlier reports of the end', async () => {
      let release: (answer: ReportAnswer) => void = () => undefined;
      recorder.answer = (detail) =>
        detail === 'held' ? new Promise((resolve) => (release = resolve)) : Promise.resolve({ acknowledged: true });
      const { socket } = await rawSocket();
      const sendReport = (reportId: string, detail: string, ageMs: number): void =>
        socket.send(JSON.stringify({ type: 'report', reportId, ageMs, report: failed(detail) }));
      socket.send(hello);
      const beforeSending = Date.now();
      sendReport(ROUND, 'held', 0);
      sendReport(TASK, 'behind', 1_000);
      await waitFor(() => expect(recorder.diary).toContain('report held'));
      const held = Date.now();
      await waitFor(() => expect(Date.now() - held).toBeGreaterThan(300));
      release({ acknowledged: true });
      await waitFor(() => expect(recorder.diary).toContain('answered behind'));
      const madeAt = Number(recorder.madeAt.get('behind'));
      expect(madeAt).toBeGreaterThanOrEqual(beforeSending - 1_010);
      expect(madeAt).toBeLessThan(held - 800);
    });

    it('is never in the future, and always an instant, whatever the end claims', async () => {
      const { socket } = await rawSocket();
      socket.send(hello);
      const report = (ageMs: number): string =>
        JSON.stringify({ type: 'report', reportId: ROUND, ageMs, report: failed(`${ageMs}`) });
      socket.send(report(Number.MAX_SAFE_INTEGER));
      socket.send(report(0));
      socket.send(report(-1)); // not by the contract: refused
      await waitFor(() => expect(recorder.madeAt.size).toBe(2));
      expect(recorder.madeAt.get(`${Number.MAX_SAFE_INTEGER}`)).toEqual(new Date(0));
      expect(secondsAgo(recorder.madeAt.get('0'))).toBeGreaterThanOrEqual(0);
      expect(secondsAgo(recorder.madeAt.get('0'))).toBeLessThan(60);
    });
  });

  it('finishes a report of the old connection before anything of the new one', async () => {
    let release: (answer: ReportAnswer) => void = () => undefined;
    recorder.answer = () => new Promise((resolve) => (release = resolve));
    const first = await rawSocket();
    first.socket.send(hello);
    first.socket.send(JSON.stringify({ type: 'report', reportId: ROUND, ageMs: 0, report: failed('old') }));
    await waitFor(() => expect(recorder.diary).toContain('report old'));
    const second = await rawSocket();
    const welcomed = new Promise((resolve) => second.socket.once('message', resolve));
    second.socket.send(hello.replace('test', 'second'));
    await welcomed;
    await first.closed;
    expect(recorder.diary).toEqual(['connected test idle', 'report old']);
    release({ acknowledged: true });
    await waitFor(() => expect(recorder.diary).toContain('connected second idle'));
    expect(recorder.diary.slice(2).sort()).toEqual(['answered old', 'connected second idle', 'disconnected']);
    expect(recorder.diary[2]).toBe('answered old');
  });

  it('stops when told, and the server sees it leave', async () => {
    const end = startEnd();
    await waitFor(() => expect(recorder.diary).toHaveLength(1));
    end.stop();
    await end.ended;
    await waitFor(() => expect(recorder.diary).toEqual(['connected test idle', 'disconnected']));
    expect(linkServer.connections()).toEqual([]);
  });

  describe('frames that are not the protocol', () => {
    const report = (content: unknown): string =>
      JSON.stringify({ type: 'report', reportId: ROUND, ageMs: 0, report: content });

    it.each([
      ['no JSON', ['{'], 1008],
      ['a frame before hello', [report(failed('early'))], 1008],
      ['an unknown type', ['{"type":"song"}'], 1008],
      ['a second hello', [hello, hello], 1008],
      ['another protocol version', [hello.replace('"protocolVersion":1', '"protocolVersion":2')], 4002],
      ['a binary message', [Buffer.from(hello)], 1003],
      ['a message beyond the size limit', ['x'.repeat(4 * 1024 * 1024 + 1)], 1009],
    ])('close the channel: %s', async (_name, messages, code) => {
      const { socket, closed } = await rawSocket();
      for (const message of messages) socket.send(message);
      expect(await closed).toBe(code);
    });

    it('close the channel: bytes that are no WebSocket frame', async () => {
      const { socket, closed } = await rawSocket();
      const { _socket: stream } = socket as unknown as { _socket: { write(data: Buffer): void } };
      stream.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
      expect(await closed).toBe(1002);
    });

    it('close the channel: more reports under way than allowed', async () => {
      let release: (answer: ReportAnswer) => void = () => undefined;
      recorder.answer = () => new Promise((resolve) => (release = resolve));
      const { socket, closed } = await rawSocket();
      socket.send(hello);
      for (let count = 0; count <= MAX_REPORTS_UNDER_WAY; count += 1) socket.send(report(failed(String(count))));
      expect(await closed).toBe(1008);
      release({ acknowledged: true });
    });

    it('refuse a report that is not understood, so that the end does not repeat it for ever', async () => {
      const { socket } = await rawSocket();
      const messages: string[] = [];
      socket.on('message', (data: Buffer) => messages.push(data.toString()));
      socket.send(hello);
      socket.send(report({ kind: 'news' }));
      await waitFor(() => expect(messages).toHaveLength(2));
      expect(JSON.parse(messages[1]!)).toMatchObject({ type: 'refused', reportId: ROUND, code: 'REPORT_MALFORMED' });
      expect(recorder.diary).toEqual(['connected test idle']);
    });

    it('never come from our own end: a report that breaks the contract is not queued', async () => {
      const end = startEnd();
      await expect(end.link.report(failed('x'.repeat(2001)))).rejects.toThrow();
      expect(await end.link.report(failed('short'))).toBe('acknowledged');
    });
  });

  it.each([403, 407, 502])(
    'dials again when something on the way answers %i in the place of the server',
    async (status) => {
      let asked = 0;
      const inBetween = createServer().on('upgrade', (_request, socket) => {
        asked += 1;
        refuseUpgrade(socket, status);
      });
      await new Promise<void>((resolve) => inBetween.listen(0, '127.0.0.1', resolve));
      try {
        const serverUrl = `http://127.0.0.1:${(inBetween.address() as AddressInfo).port}`;
        const end = startEnd({ given: { ...credential, serverUrl } });
        await waitFor(() => expect(asked).toBeGreaterThan(1));
        end.stop();
        await end.ended;
      } finally {
        inBetween.close();
      }
    },
  );

  it('answers upgrades elsewhere with 404 and without a credential with 401', async () => {
    const status = (path: string): Promise<number | undefined> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
        socket.on('error', () => undefined);
        socket.on('unexpected-response', (request, response) => {
          resolve(response.statusCode);
          request.destroy();
        });
      });
    expect(await Promise.all([status('/elsewhere'), status(CONTROL_PATH)])).toEqual([404, 401]);
  });
});
