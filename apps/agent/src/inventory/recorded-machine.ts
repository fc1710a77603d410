import { readFileSync } from 'node:fs';
import * as z from 'zod';
import type { MachineView } from './machine-view.js';

/** A machine as a file: what its programs printed, its files, and the use of what is mounted. For tests. */
const recording = z.object({
  facts: z.object({ hostname: z.string(), kernel: z.string(), hardwareName: z.string(), cpuCount: z.number() }),
  commands: z.record(z.string(), z.object({ exitCode: z.number(), stdout: z.string(), stderr: z.string() })),
  files: z.record(z.string(), z.string()),
  spaces: z.record(z.string(), z.object({ deviceNumber: z.string(), sizeBytes: z.number(), usedBytes: z.number() })),
  blockDevices: z.array(z.string()),
});
export type Recording = z.infer<typeof recording>;

/** The recording `recordings/<name>.json`. */
export function recordingNamed(name: string): Recording {
  const file = new URL(`./recordings/${name}.json`, import.meta.url);
  return recording.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Plays a recording; a command it does not contain is an error, so that a test cannot pass by asking nothing. */
export function recordedMachine({ facts, commands, files, spaces, blockDevices }: Recording): MachineView {
  return {
    run: async (tool, args) => {
      const line = [tool, ...args].join(' ');
      const outcome = commands[line];
      if (outcome === undefined) throw new Error(`not recorded: ${line}`);
      return outcome;
    },
    readText: async (path) => files[path] ?? null,
    exists: async (path) => path in files,
    spaceOf: async (mountPoint) => spaces[mountPoint] ?? null,
    followDevicePath: async (path) => {
      if (blockDevices.includes(path)) return { kind: 'block', path };
      return { kind: path in files ? 'other' : 'absent' };
    },
    facts: () => facts,
  };
}
