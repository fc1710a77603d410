import { availableParallelism } from 'node:os';
import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

/**
 * Five levels, one project each. Nest's decorators need emitted metadata, hence SWC.
 * `unit` and `simulation` are pure; the others get real servers from `test/stack.setup.ts`, or start their own.
 */
const level = (name: string, include: string[], options: Record<string, unknown> = {}) => ({
  extends: true as const,
  test: { name, include, ...options },
});

const withStack = { globalSetup: ['test/stack.setup.ts'], testTimeout: 60_000, hookTimeout: 120_000 };

/** Vitest keeps a core for itself, which on two cores is one file at a time; most files wait for disks and programs. */
const FILES_AT_ONCE = Math.max(2, availableParallelism() - 1);
/** Whole systems of many processes each: more of them only wait for each other. */
const SYSTEMS_AT_ONCE = 2;

export default defineConfig({
  plugins: [swc.vite()],
  resolve: { conditions: ['landfall-source', 'node'] },
  ssr: { resolve: { conditions: ['landfall-source', 'node'] } },
  test: {
    environment: 'node',
    projects: [
      // Pure tests share one module cache per worker: loading everything anew for each file took four times as long.
      level('unit', ['{apps,libs,infra,test}/**/*.unit.spec.ts'], {
        isolate: false,
        // It only ends what hangs: `check` runs beside linter and compiler, where properties get a third of a core.
        testTimeout: 20_000,
      }),
      level('simulation', ['test/simulation/**/*.sim.spec.ts'], {
        testTimeout: 120_000,
        maxWorkers: FILES_AT_ONCE,
        sequence: { groupOrder: 1 },
      }),
      level('integration', ['{apps,libs,infra,test}/**/*.int.spec.ts'], {
        ...withStack,
        maxWorkers: FILES_AT_ONCE,
        sequence: { groupOrder: 2 },
      }),
      level('e2e', ['test/e2e/**/*.e2e.spec.ts'], {
        testTimeout: 300_000,
        hookTimeout: 120_000,
        maxWorkers: SYSTEMS_AT_ONCE,
        sequence: { groupOrder: 3 },
      }),
      level('fault', ['test/fault/**/*.fault.spec.ts'], {
        testTimeout: 300_000,
        hookTimeout: 300_000,
        maxWorkers: SYSTEMS_AT_ONCE,
        sequence: { groupOrder: 4 },
      }),
    ],
  },
});
