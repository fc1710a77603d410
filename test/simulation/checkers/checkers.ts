import { acknowledgedIsDurable } from './acknowledged-is-durable.js';
import { audit } from './audit.js';
import type { MakeChecker } from './checker.js';
import { deletedAsAnnounced } from './deleted-as-announced.js';
import { equalAtCutover } from './equal-at-cutover.js';
import { finalRoundLast } from './final-round-last.js';
import { nothingDueIsForgotten } from './nothing-due-is-forgotten.js';
import { oneInProduction } from './one-in-production.js';
import { readersKeepUp } from './readers-keep-up.js';
import { rebuiltEqualsLive } from './rebuilt-equals-live.js';
import { repairedAsRecorded } from './repaired-as-recorded.js';
import { sentOnce } from './sent-once.js';
import { whoeverWorksIsNotLost } from './whoever-works-is-not-lost.js';
import { windowsKeepTheirDeadlines } from './windows-keep-their-deadlines.js';

export const CHECKERS: readonly MakeChecker[] = [
  equalAtCutover,
  oneInProduction,
  finalRoundLast,
  sentOnce,
  repairedAsRecorded,
  acknowledgedIsDurable,
  windowsKeepTheirDeadlines,
  whoeverWorksIsNotLost,
  nothingDueIsForgotten,
  deletedAsAnnounced,
  audit,
  rebuiltEqualsLive,
  readersKeepUp,
];
