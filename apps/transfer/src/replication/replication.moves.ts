import { DEFAULT_THROTTLE, type ReplicationSettings, UNLIMITED_THROTTLE } from '#libs/contracts';
import type { CommandOf, ReplicationCommand } from './domain/replication.commands.js';
import type { End } from './domain/replication.events.js';
import { type Replication, type ReplicationState, attemptIdOf } from './domain/replication.state.js';
import { DETAIL, EXPORTS, FAILING, ORDER, PASSING, digests, results } from './replication.examples.js';

/** Moves for the properties of a replication. */

/** Bounds of a few moves each, at one move a second. */
export const SHORT: ReplicationSettings = {
  resumeWindowSeconds: 4,
  afterFailure: 'compare-digests',
  digestAlgorithm: 'blake3',
  retryLimit: 2,
  retryDelaySeconds: 1,
  throttle: DEFAULT_THROTTLE,
};

const NONE = '00000000-0000-4000-8000-000000000000';

/** What a move knows of the moment in which it is made. */
interface Scene {
  readonly state: ReplicationState;
  /** The first round there ever was. */
  readonly firstRound: string | null;
  readonly at: string;
}

const roundOf = ({ state }: Scene): { readonly roundId: string; readonly attempt: number } => ({
  roundId: state?.round?.roundId ?? NONE,
  attempt: state?.round?.attempt ?? 1,
});
const verificationOf = ({ state }: Scene): { readonly verificationId: string } => ({
  verificationId: state?.verification?.verificationId ?? NONE,
});
const inHandOf = (state: Replication | null): string | null =>
  state?.round != null ? attemptIdOf(state.round) : (state?.verification?.verificationId ?? null);

const failExports = (scene: Scene, code: CommandOf<'NoteExportsFailed'>['code']): ReplicationCommand => ({
  type: 'NoteExportsFailed',
  ...roundOf(scene),
  code,
  detail: DETAIL,
  at: scene.at,
});
const loseLink = (scene: Scene, attemptsAgo: number): ReplicationCommand => {
  const { roundId, attempt } = roundOf(scene);
  return { type: 'NoteLinkLost', roundId, attempt: attempt - attemptsAgo, at: scene.at, detail: DETAIL };
};
const establishLink = (scene: Scene, attemptsAgo: number): ReplicationCommand => {
  const { roundId, attempt } = roundOf(scene);
  const comparison = 'rescan';
  return { type: 'NoteLinkEstablished', roundId, attempt: attempt - attemptsAgo, comparison, at: scene.at };
};
const connect = ({ state, at }: Scene, end: End, isSameProcess = true): ReplicationCommand => ({
  type: 'NoteEndConnected',
  end,
  inHand: isSameProcess ? inHandOf(state) : null,
  at,
});
const sweep = ({ state, at }: Scene, isSeen: boolean, generationsAgo = 0): ReplicationCommand => ({
  type: 'ReachDeadline',
  generation: (state?.generation ?? 0) - generationsAgo,
  seenAt: isSeen ? at : null,
});
const compare = (scene: Scene, digits: string): ReplicationCommand => ({
  type: 'CompareDigests',
  ...verificationOf(scene),
  disks: digests(digits),
});

/**
 * What a person, the schedule, the workflow, the sweeper or an end may do. Reports name the round or verification in
 * hand, so most of them are taken; `stale` ones come from earlier work.
 */
const COMMANDS = {
  full: () => ({ type: 'StartFullSync', replication: { ...ORDER, settings: SHORT } }),
  manual: () => ({ type: 'StartSyncRound', trigger: 'manual', resend: false }),
  resend: () => ({ type: 'StartSyncRound', trigger: 'manual', resend: true }),
  schedule: () => ({ type: 'StartSyncRound', trigger: 'schedule', resend: false }),
  final: () => ({ type: 'StartFinalSync' }),
  open: (scene) => ({ type: 'NoteExportsOpened', ...roundOf(scene), exports: EXPORTS }),
  'exports-end': (scene) => failExports(scene, 'EXPORT_FAILED'),
  'exports-fail': (scene) => failExports(scene, 'TARGET_DISK_MISSING'),
  link: (scene) => establishLink(scene, 0),
  lose: (scene) => loseLink(scene, 0),
  'stale-link': (scene) => establishLink(scene, 1),
  'stale-lose': (scene) => loseLink(scene, 1),
  'agent-leaves': ({ at }) => ({ type: 'NoteEndAway', end: 'agent', at }),
  'agent-returns': (scene) => connect(scene, 'agent'),
  'restorer-leaves': ({ at }) => ({ type: 'NoteEndAway', end: 'restorer', at }),
  'restorer-returns': (scene) => connect(scene, 'restorer'),
  'restorer-restarts': (scene) => connect(scene, 'restorer', false),
  sweep: (scene) => sweep(scene, false),
  'sweep-with-data-seen': (scene) => sweep(scene, true),
  'stale-sweep': (scene) => sweep(scene, false, 1),
  complete: (scene) => ({ type: 'CompleteSyncRound', roundId: roundOf(scene).roundId, disks: results() }),
  fail: (scene) => ({ type: 'FailSyncRound', roundId: roundOf(scene).roundId, ...FAILING }),
  'fail-for-now': (scene) => ({ type: 'FailSyncRound', roundId: roundOf(scene).roundId, ...PASSING }),
  'stale-complete': ({ firstRound }) => ({ type: 'CompleteSyncRound', roundId: firstRound ?? NONE, disks: results() }),
  'stale-fail': ({ firstRound }) => ({ type: 'FailSyncRound', roundId: firstRound ?? NONE, ...FAILING }),
  verify: () => ({ type: 'StartVerification' }),
  'begin-digests': (scene) => ({ type: 'NoteDigestsBegun', ...verificationOf(scene) }),
  equal: (scene) => compare(scene, 'ab'),
  different: (scene) => compare(scene, 'ac'),
  unverifiable: (scene) => ({ type: 'FailVerification', ...verificationOf(scene), ...FAILING }),
  throttle: () => ({ type: 'AdjustThrottle', throttle: UNLIMITED_THROTTLE }),
  'throttle-again': () => ({ type: 'AdjustThrottle', throttle: DEFAULT_THROTTLE }),
  pause: () => ({ type: 'PauseReplication' }),
  resume: () => ({ type: 'ResumeReplication' }),
  stop: () => ({ type: 'StopReplication' }),
  reinstate: () => ({ type: 'ReinstateReplication' }),
} as const satisfies Record<string, (scene: Scene) => ReplicationCommand>;

export type Move = keyof typeof COMMANDS;
export const MOVES = Object.keys(COMMANDS) as readonly Move[];

/** The command that a move means at its moment. */
export const commandFor = (move: Move, scene: Scene): ReplicationCommand => COMMANDS[move](scene);

const ROUND: readonly Move[] = ['open', 'link', 'complete'];
const FULL: readonly Move[] = ['full', ...ROUND];
const FINAL: readonly Move[] = [...FULL, 'final', ...ROUND];
/** Beginnings that get every part of a migration its share of the random moves. */
export const BEGINNINGS: readonly (readonly Move[])[] = [
  [],
  ['full', 'open', 'link'],
  ['full', 'open', 'link', 'lose'],
  // Away for a whole window.
  ['full', 'open', 'link', 'agent-leaves', 'stale-sweep', 'stale-sweep', 'stale-sweep', 'stale-sweep'],
  ['full', 'fail-for-now'],
  FULL,
  [...FULL, 'manual', 'final'],
  [...FULL, 'manual', 'open', 'link', 'final'],
  FINAL,
  [...FINAL, 'verify', 'begin-digests'],
  [...FINAL, 'verify', 'begin-digests', 'equal'],
  [...FINAL, 'verify', 'begin-digests', 'different', 'open', 'link'],
  [...FINAL, 'verify', 'begin-digests', 'different', 'fail-for-now'],
  [...FINAL, 'verify', 'begin-digests', 'different', ...ROUND, 'begin-digests'],
];
