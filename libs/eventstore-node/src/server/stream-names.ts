import type { shared } from './proto.js';
import { isMetastream, describedBy } from '../storage/record.js';
import { NAME_LIMIT } from '../wire/proposed-event.js';
import { invalidArgument } from './call-errors.js';

type StreamIdentifier = InstanceType<typeof shared.StreamIdentifier>;

export const ALL = '$all';

export const streamNameOf = (identifier: StreamIdentifier | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');

/** @throws CallError when no stream can have this name */
export function checkStreamName(name: string): void {
  if (name === '') throw invalidArgument('The stream name is empty.');
  if (name.length > NAME_LIMIT) throw invalidArgument(`The stream name is longer than ${NAME_LIMIT} characters.`);
  if (name === '$$') throw invalidArgument("'$$' is not the name of a stream.");
}

/** @throws CallError when nothing can be written under this name */
export function checkWritableName(name: string): void {
  checkStreamName(name);
  if (name === ALL) throw invalidArgument("'$all' is the whole log and cannot be written to.");
  if (isMetastream(name) && isMetastream(describedBy(name))) {
    throw invalidArgument(`'${name}' would be the metadata of metadata, which does not exist.`);
  }
}
