import { describe, expect, it } from 'vitest';
import { isProgramSource, orphans } from './build.mjs';
import { DEBIAN_PACKAGES, cannotInstallLine, commandFolders, installWay, missingPackages } from './debian-packages.mjs';
import { fingerprint } from './fingerprint.mjs';
import { closingLine, countsOf } from './levels.mjs';
import { isInstalledAsLocked } from './npm-packages.mjs';
import { startTimeOf } from './setup-lock.mjs';

describe('missing Debian packages', () => {
  const nothing = () => false;

  it('are none when every command is there', () => {
    expect(missingPackages(DEBIAN_PACKAGES, new Set(['run', 'test']), () => true)).toEqual([]);
  });

  it('are each named once, even when two of their commands are missing', () => {
    const missing = missingPackages(DEBIAN_PACKAGES, new Set(['run']), nothing);
    expect(missing.filter((name) => name === 'util-linux')).toHaveLength(1);
    expect(missing).toContain('postgresql');
  });

  it('do not include what only the tests need, unless tests are to be run', () => {
    expect(missingPackages(DEBIAN_PACKAGES, new Set(['run']), nothing)).not.toContain('libnbd-bin');
    expect(missingPackages(DEBIAN_PACKAGES, new Set(['run', 'test']), nothing)).toContain('libnbd-bin');
  });

  it('are only those whose own command is missing', () => {
    const isPresent = (command: string) => command !== 'nbdkit';
    expect(missingPackages(DEBIAN_PACKAGES, new Set(['run', 'test']), isPresent)).toEqual(['nbdkit']);
  });

  it('are installed as root, else with sudo, else named in one line', () => {
    expect(installWay({ apt: true, root: true, sudo: false })).toBe('root');
    expect(installWay({ apt: true, root: false, sudo: true })).toBe('sudo');
    expect(installWay({ apt: true, root: false, sudo: false })).toBe('no-rights');
    expect(installWay({ apt: false, root: true, sudo: true })).toBe('no-apt');
    for (const reason of ['no-apt', 'no-rights'] as const) {
      const line = cannotInstallLine(['nbdkit', 'partclone'], reason);
      expect(line).toContain('nbdkit partclone');
      expect(line).not.toContain('\n');
    }
  });
});

describe('folders for commands', () => {
  it('are those of PATH, then administrators folders, then PostgreSQL with the newest version first', () => {
    expect(commandFolders('/usr/bin::/sbin', ['9', '15', '17'])).toEqual([
      '/usr/bin',
      '/sbin',
      '/usr/local/sbin',
      '/usr/sbin',
      '/usr/lib/postgresql/17/bin',
      '/usr/lib/postgresql/15/bin',
      '/usr/lib/postgresql/9/bin',
    ]);
  });
});

describe('npm packages', () => {
  const lock = {
    packages: {
      '': { version: '0.1.0' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b-arm64': { version: '2.0.0', optional: true },
    },
  };

  it('need no install when all that the lock names is there, optional ones or not', () => {
    expect(isInstalledAsLocked(lock, { packages: { 'node_modules/a': { version: '1.0.0' } } })).toBe(true);
  });

  it('need one when a package is missing or of another version', () => {
    expect(isInstalledAsLocked(lock, { packages: {} })).toBe(false);
    expect(isInstalledAsLocked(lock, { packages: { 'node_modules/a': { version: '1.0.1' } } })).toBe(false);
    const optionalIsOld = {
      packages: { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b-arm64': { version: '1.9.0' } },
    };
    expect(isInstalledAsLocked(lock, optionalIsOld)).toBe(false);
  });
});

describe('the fingerprint of sources', () => {
  const files = [
    { path: 'a.ts', content: '1' },
    { path: 'b.ts', content: '2' },
  ];

  it('does not depend on the order', () => {
    expect(fingerprint([...files].reverse())).toBe(fingerprint(files));
  });

  it('changes with a content, a name, a removal, and where one file ends and the next begins', () => {
    const others = [
      [{ path: 'a.ts', content: '3' }, files[1]!],
      [{ path: 'c.ts', content: '1' }, files[1]!],
      [files[0]!],
      [{ path: 'a.ts', content: '1b.ts2' }],
    ];
    expect(new Set([files, ...others].map(fingerprint)).size).toBe(5);
  });
});

describe('compiled files', () => {
  it('come from programs, not from specs, declarations or the console', () => {
    expect(isProgramSource('libs/hci/src/index.ts')).toBe(true);
    expect(isProgramSource('libs/hci/src/port.unit.spec.ts')).toBe(false);
    expect(isProgramSource('libs/hci/src/foreign.d.ts')).toBe(false);
    expect(isProgramSource('apps/console/src/main.tsx')).toBe(false);
    expect(isProgramSource('infra/setup/run.mjs')).toBe(false);
  });

  it('are removed when their source is gone, with their source maps', () => {
    const compiled = ['libs/a/src/x.js', 'libs/a/src/x.js.map', 'libs/a/src/gone.js', 'libs/a/src/gone.js.map'];
    expect(orphans(compiled, ['libs/a/src/x.ts'])).toEqual(['libs/a/src/gone.js', 'libs/a/src/gone.js.map']);
  });
});

describe('counts of tests', () => {
  const report = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 1 };

  it('are those of the report', () => {
    expect(countsOf(0, report)).toEqual({ passed: 5, failed: 0, skipped: 1 });
    expect(countsOf(1, { ...report, numFailedTests: 2 })).toEqual({ passed: 5, failed: 2, skipped: 1 });
  });

  it('have a failure when the run failed, whatever it counted', () => {
    expect(countsOf(1, report).failed).toBe(1);
    expect(countsOf(137, undefined)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('are added up in the closing line', () => {
    const counts = [
      { passed: 5, failed: 0, skipped: 0 },
      { passed: 7, failed: 2, skipped: 0 },
    ];
    expect(closingLine(counts)).toBe('12 passed, 2 failed');
    expect(closingLine([...counts, { passed: 0, failed: 0, skipped: 3 }])).toBe('12 passed, 2 failed, 3 skipped');
  });
});

describe('start time of a process', () => {
  it('is found behind a program name with spaces and parentheses', () => {
    const fields = Array.from({ length: 19 }, (_, index) => String(index));
    expect(startTimeOf(`42 (a ) (b) ${fields.join(' ')} 777 0 0`)).toBe('777');
  });
});
