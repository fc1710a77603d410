/** What each npm script needs on the machine, and the program it starts. */

const VITEST = 'node_modules/vitest/vitest.mjs';
const FROM_SOURCES = ['--conditions=landfall-source', '--import=./test/contract/event-store/typescript-hooks.mjs'];
const RUN = Object.freeze(['run']);
const RUN_AND_TEST = Object.freeze(['run', 'test']);
const NOTHING = Object.freeze([]);
const BENCH = Object.freeze([...RUN_AND_TEST, 'bench']);
const GUEST = Object.freeze([...RUN_AND_TEST, 'guest']);

/**
 * @typedef {{needs: readonly string[], likes?: readonly string[], isBuilt: boolean, program: readonly string[]}} Task
 */

/**
 * `needs`: uses of Debian packages; `likes`: uses that it does without where they cannot be installed; `isBuilt`: compiles first; `program`: arguments for Node 24, relative to the project.
 * @type {Readonly<Record<string, Task>>}
 */
export const TASKS = Object.freeze({
  demo: { needs: RUN, isBuilt: true, program: ['dist/infra/demo/main.js'] },
  start: { needs: RUN, isBuilt: true, program: ['dist/apps/standalone/src/main.js'] },
  cli: { needs: NOTHING, isBuilt: true, program: ['dist/apps/cli/src/main.js'] },
  test: { needs: RUN_AND_TEST, isBuilt: true, program: ['infra/setup/test.mjs'] },
  'test:unit': { needs: NOTHING, isBuilt: false, program: [VITEST, 'run', '--project', 'unit'] },
  'test:integration': { needs: RUN_AND_TEST, isBuilt: true, program: [VITEST, 'run', '--project', 'integration'] },
  'test:e2e': { needs: RUN_AND_TEST, isBuilt: true, program: [VITEST, 'run', '--project', 'e2e'] },
  'test:simulation': { needs: NOTHING, isBuilt: false, program: [VITEST, 'run', '--project', 'simulation'] },
  'test:fault': { needs: RUN_AND_TEST, isBuilt: true, program: [VITEST, 'run', '--project', 'fault'] },
  'test:eventstore': {
    needs: RUN_AND_TEST,
    isBuilt: true,
    program: [VITEST, 'run', '--project', 'integration', '--no-file-parallelism', 'test/contract/event-store/'],
  },
  simulate: { needs: NOTHING, isBuilt: true, program: ['dist/test/simulation/main.js'] },
  'bench:eventstore': { needs: NOTHING, isBuilt: false, program: [...FROM_SOURCES, 'test/bench/eventstore/bench.ts'] },
  'bench:transfer': { needs: BENCH, likes: ['peer'], isBuilt: true, program: ['dist/test/bench/transfer/main.js'] },
  'fault:event-node': { needs: NOTHING, isBuilt: false, program: [...FROM_SOURCES, 'test/fault/event-node-kill.ts'] },
  'fault:rounds': { needs: RUN, isBuilt: true, program: ['dist/test/fault/tracked-rounds/main.js'] },
  'guest:maps': { needs: GUEST, isBuilt: true, program: ['dist/test/guest/main.js'] },
  check: { needs: NOTHING, isBuilt: false, program: ['infra/setup/check.mjs'] },
  build: { needs: NOTHING, isBuilt: false, program: ['infra/setup/build.mjs', '--force'] },
  lint: { needs: NOTHING, isBuilt: false, program: ['infra/setup/check.mjs', 'lint'] },
  boundaries: { needs: NOTHING, isBuilt: false, program: ['infra/setup/check.mjs', 'boundaries'] },
  types: { needs: NOTHING, isBuilt: false, program: ['infra/setup/check.mjs', 'types'] },
  /** These write docs/openapi.json and docs/events.md; that they are true are unit tests. */
  openapi: { needs: NOTHING, isBuilt: true, program: ['dist/apps/gateway/src/openapi/write-openapi.js'] },
  events: { needs: NOTHING, isBuilt: true, program: ['dist/test/contract/golden-events/write-events-doc.js'] },
  format: {
    needs: NOTHING,
    isBuilt: false,
    program: ['node_modules/prettier/bin/prettier.cjs', '--write', '--log-level', 'warn', '.'],
  },
  /** Does the set-up of everything and nothing else. */
  setup: { needs: RUN_AND_TEST, isBuilt: true, program: ['--version'] },
});

/**
 * @param {string | undefined} name
 * @returns {Task | undefined}
 */
export function taskNamed(name) {
  return name !== undefined && Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
}
