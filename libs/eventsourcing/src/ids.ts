import { createHash } from 'node:crypto';

const bytesOf = (uuid: string): Buffer => {
  const hex = uuid.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new RangeError(`Not a UUID: ${uuid}`);
  return Buffer.from(hex, 'hex');
};

/**
 * Name-based UUID, version 5 (RFC 9562, section 5.5): the same namespace and name always give the same id.
 * @param namespace a UUID
 */
export const uuidV5 = (namespace: string, name: string): string => {
  const hash = createHash('sha1').update(bytesOf(namespace)).update(name, 'utf8').digest().subarray(0, 16);
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

/** The id of the n-th event that a command causes; a repeated append is recognised by it in the store, too. */
export const eventIdOf = (commandId: string, index: number): string => uuidV5(commandId, `event:${index}`);

/** The id of the command that a reaction derives from an event; a redelivered event gives the same command. */
export const reactionIdOf = (eventId: string, reaction: string): string => uuidV5(eventId, `reaction:${reaction}`);
