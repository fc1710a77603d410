import { join } from 'node:path';
import * as z from 'zod';
import type { RecordedCodec } from './recorded-codecs.js';
import { WHEN } from './when-it-happens.js';

/** Where the project is the working directory. */
export const EVENTS_DOC = join(process.cwd(), 'docs/events.md');

const INTRODUCTION = `# Events

Written by \`test/contract/golden-events/write-events-doc.ts\` from the codecs; a test compares.

Every event has, beside its fields, an id, the correlation id (the task's id, where it belongs to a migration), the ids of
cause and command, the actor (\`operator:\`, \`service:\` or \`endpoint:\`), the moment and the producing service.
Only the owner of a stream appends to it. Names and versions never change; a new shape is a new version.
A field with \`?\` may be absent.
`;

type Schema = z.core.JSONSchema.BaseSchema;

const isNull = (schema: Schema): boolean => schema.type === 'null';

/** The type of a field in a few words. */
const wordsFor = (schema: Schema): string => {
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) {
    const parts = options.map((option) => (isNull(option) ? 'null' : wordsFor(option)));
    return [...new Set(parts)].join(' or ');
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' \\| ');
  switch (schema.type) {
    case 'array':
      return `list of ${wordsFor(schema.items as Schema)}`;
    case 'object':
      return `{ ${fieldsOf(schema).join(', ')} }`;
    case 'string':
      return schema.format === 'uuid' ? 'UUID' : schema.format === 'date-time' ? 'instant' : 'text';
    default:
      return String(schema.type ?? 'anything');
  }
};

const fieldsOf = (schema: Schema): string[] =>
  Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const optional = schema.required?.includes(name) === true ? '' : '?';
    return `${name}${optional}: ${wordsFor(field as Schema)}`;
  });

const rowOf = ({ owner, category, codec }: RecordedCodec, storedType: string): string => {
  const when = WHEN[storedType];
  if (when === undefined) throw new Error(`when-it-happens.ts does not say when ${storedType} is recorded`);
  const schema = codec.schemaOf(storedType);
  if (schema === null) throw new Error(`${storedType} has no schema`);
  const fields = fieldsOf(z.toJSONSchema(schema, { unrepresentable: 'any', io: 'output' })).join('<br>');
  return `| \`${storedType}\` | \`${category}-…\` | ${owner} | ${when} | ${fields} |`;
};

/** The text of docs/events.md. @throws Error when an event has no sentence that says when it happens, or the reverse */
export const describeEvents = (codecs: readonly RecordedCodec[]): string => {
  const known = new Set(codecs.flatMap(({ codec }) => codec.storedTypes));
  const unknown = Object.keys(WHEN).filter((storedType) => !known.has(storedType));
  if (unknown.length > 0) throw new Error(`when-it-happens.ts speaks of ${unknown.join(', ')}, which nobody records`);
  const rows = codecs.flatMap((codec) => codec.codec.storedTypes.map((storedType) => rowOf(codec, storedType)));
  const head = ['| stored name | stream | owner | when | fields |', '| --- | --- | --- | --- | --- |'];
  const table = ['<!-- prettier-ignore-start -->', ...head, ...rows, '<!-- prettier-ignore-end -->'];
  return `${INTRODUCTION}\n${table.join('\n')}\n`;
};
