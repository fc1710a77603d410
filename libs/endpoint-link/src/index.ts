export { LinkServer, type LinkServerOptions } from './server/link-server.js';
export type {
  Authenticator,
  EndpointConnection,
  Enroller,
  Hello,
  LinkedEndpoint,
  LinkEvents,
  LinkLog,
  Refusal,
  ReportAnswer,
} from './server/link-server.ports.js';
export { EndpointLink, LinkRefusedError, type EndpointLinkOptions } from './end/endpoint-link.js';
export {
  enrolEndpoint,
  EnrolmentRefusedError,
  EnrolmentUnavailableError,
  type EnrolmentOptions,
} from './end/enrol-endpoint.js';
export {
  CredentialFileError,
  readCredential,
  writeCredential,
  type EndpointCredential,
} from './end/credential-file.js';
export { keepHeapSmall } from './end/keep-heap-small.js';
export { lockStateFolder, StateFolderInUseError } from './end/lock-state-folder.js';
export { writeFileAtomically } from './end/write-file-atomically.js';
export { checkServerUrl, ServerUrlError } from './end/network-policy.js';
export { AssignmentFollower, type WorkAssignment } from './end/assignment-follower.js';
export { backoffDelayMs } from './end/backoff.js';
export { LinkClosedError, OutboxFullError, type ReportOutcome } from './end/outbox.js';
export { openEndLog, type EndLog } from './end/end-log.js';
export { CloseCode } from './channel/close-code.js';
export { pause, systemScheduler, type Scheduler } from './channel/scheduler.js';
