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
      level('simulation', ['test/simulation/**/*.sim.spec.ts'], { testTimeout: 120_000 }),
      level('integration', ['{apps,libs,infra,test}/**/*.int.spec.ts'], withStack),
      level('e2e', ['test/e2e/**/*.e2e.spec.ts'], { ...withStack, testTimeout: 300_000, fileParallelism: false }),
      level('fault', ['test/fault/**/*.fault.spec.ts'], {
        testTimeout: 300_000,
        hookTimeout: 300_000,
        fileParallelism: false,
      }),
    ],
  },
});
