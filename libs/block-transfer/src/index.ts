export { EndpointFailure } from './endpoint-failure.js';
export * from './extents/byte-extents.js';
export { DIGEST_BLOCK_BYTES, DIGEST_BYTES, digestOfBlock } from './digests/block-digest.js';
export { describeBlake3, nameWithBlake3 } from './digests/blake3.js';
export { DigestTable } from './digests/digest-table.js';
export type { DigestJournal } from './digests/digest-journal.js';
export { DigestTableFile, type BaselineState, type OpenDigestJournal } from './digests/digest-table-file.js';
export { orLaterTableFailure } from './digests/table-failure.js';
export { groupDigestsOf } from './digests/group-digests.js';
export { digestDisk, type DigestDiskOptions, type DiskDigests } from './digests/digest-disk.js';
export {
  ChangeTracker,
  type ChangeTrackerOptions,
  type DiskToTrack,
  type TakenChanges,
  type TrackingStanding,
} from './change-tracking/change-tracker.js';
export { DigestTree } from './digests/digest-tree.js';
export { parseDomainMap, type DomainMap } from './used-blocks/domain-map.parser.js';
export type { HeldStill } from './used-blocks/still-file-system.js';
export { usedBlocksOf, type UsedBlocksOptions } from './used-blocks/used-blocks.js';
export { usedMapFromFree, usedMapOf, type UsedMap } from './used-blocks/used-map.js';
export { alignedBuffer } from './source/aligned-buffer.js';
export { openSourceDisk, type SourceDisk } from './source/source-disk.js';
export { createImage } from './nbd/create-image.js';
export { NbdConnection, type NbdConnectOptions } from './nbd/nbd-connection.js';
export type { DataPathSecurity } from './nbd/nbd-dial.js';
export {
  NBDKIT_OPTIONS,
  startNbdkit,
  type NbdkitOptions,
  type NbdkitServer,
  type ServerExit,
} from './nbd/nbdkit-server.js';
export { serverTlsOptions, type ServerTls } from './nbd/nbdkit-tls.js';
export { makeDataIdentity, type DataIdentity } from './tls/data-identity.js';
export { BlockSet } from './round/block-set.js';
export { DiskResume } from './round/disk-resume.js';
export { forgetDifferences, type ForgetDifferencesOptions } from './round/forget-differences.js';
export { syncBlocks, syncDisk } from './round/sync-disk.js';
export type { RoundProgress, SyncDiskOptions, SyncDiskResult, SyncDiskTotals } from './round/sync-round.js';
export {
  MachinePace,
  SYSTEM_PACE_CLOCK,
  type DiskPace,
  type PaceClock,
  type PaceFigures,
} from './throttle/machine-pace.js';
export { estimateRound, type RoundStanding } from './throttle/round-estimate.js';
export { UNPACED, wireBytesOf, type TransferPace } from './throttle/transfer-pace.js';
export { roundBuffers, type RoundBuffers } from './round/round-buffers.js';
