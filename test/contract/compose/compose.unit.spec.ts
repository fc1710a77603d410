import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseEnvironment } from '#libs/program';
import { serviceEnvironment } from '#libs/service-kit';
import { parseGatewayConfig } from '../../../apps/gateway/src/gateway.config.js';
import { parseProvisioningConfig } from '../../../apps/provisioning/src/provisioning.config.js';
import { parseTransferConfig } from '../../../apps/transfer/src/transfer.config.js';
import {
  PROJECT_FOLDER,
  composeSchemaValidator,
  parseCompose,
  readComposeFile,
  readComposeText,
} from './compose-file.reader.js';

const file = readComposeFile();
const services = Object.entries(file.services);
const own = services.filter(([, service]) => service.build !== undefined);
/** Those that run, as opposed to those that prepare something and end. */
const running = services.filter(([, service]) => service.restart !== undefined);

/** How each service reads its environment. */
const PARSERS: Readonly<Record<string, (environment: NodeJS.ProcessEnv) => unknown>> = {
  planning: (environment) => parseEnvironment(serviceEnvironment, environment),
  cutover: (environment) => parseEnvironment(serviceEnvironment, environment),
  provisioning: parseProvisioningConfig,
  transfer: parseTransferConfig,
  gateway: parseGatewayConfig,
};

/** `${NAME:-value}` is its default, `${NAME:?...}` a value that somebody filled in. */
const withExampleValues = (text: string): string =>
  text.replace(/\$\{\w+(?::-([^}]*)|:\?[^}]*)?\}/g, (_whole, fallback: string | undefined) => fallback ?? 'filled-in');

describe('the compose file', () => {
  const problemsOf = composeSchemaValidator();

  it('is valid by the schema of the Compose specification', () => {
    expect(problemsOf(parseCompose(readComposeText()))).toEqual([]);
  });

  it('would not be, were a word of it misspelt', () => {
    const broken = readComposeText().replace('  healthcheck:', '  healthchek:');
    expect(problemsOf(parseCompose(broken)).join('\n')).toContain('must NOT have additional properties');
  });

  it('has each service that an app is', () => {
    const apps = readdirSync(join(PROJECT_FOLDER, 'apps')).filter(
      (name) =>
        name !== 'standalone' &&
        existsSync(join(PROJECT_FOLDER, 'apps', name, 'src/main.ts')) &&
        existsSync(join(PROJECT_FOLDER, 'apps', name, `src/${name}.module.ts`)),
    );
    expect(Object.keys(file.services)).toEqual(expect.arrayContaining(apps));
    expect(own.map(([name]) => name).sort()).toEqual(['cutover', 'gateway', 'planning', 'provisioning', 'transfer']);
  });

  it.each(own)('starts %s by its own program, in an image that the Dockerfile makes', (name, service) => {
    expect(service.command).toEqual(['node', `dist/apps/${name}/src/main.js`]);
    const dockerfile = readFileSync(join(PROJECT_FOLDER, service.build!.dockerfile), 'utf8');
    expect(dockerfile).toMatch(new RegExp(`^FROM \\S+ AS ${service.build!.target}$`, 'm'));
  });

  it.each(own)('gives %s an environment that its own parser takes', (name, service) => {
    const environment = Object.fromEntries(
      Object.entries(service.environment).map(([variable, value]) => [variable, withExampleValues(value)]),
    );
    expect(PARSERS[name]).toBeDefined();
    expect(() => PARSERS[name]?.(environment)).not.toThrow();
    expect(() => PARSERS[name]?.({})).toThrow('NATS_URL');
  });

  it.each(running)('checks the health of %s', (_, service) => {
    expect(service.healthcheck?.test[0]).toBe('CMD');
  });

  it.each(services)('lets %s wait only for services that are there, until they are fit', (_, service) => {
    for (const [needed, { condition }] of Object.entries(service.depends_on)) {
      expect(Object.keys(file.services)).toContain(needed);
      const isRunning = running.some(([name]) => name === needed);
      expect(condition).toBe(isRunning ? 'service_healthy' : 'service_completed_successfully');
    }
  });

  it.each(own)('starts %s after the event store, NATS and PostgreSQL', (_, service) => {
    expect(Object.keys(service.depends_on)).toEqual(expect.arrayContaining(['eventstore', 'nats', 'postgres']));
  });

  it.each(services)('gives %s as few rights as it can do with', (_, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
  });

  it.each(own)('does not run %s as root', (_, service) => {
    expect(service.user).toBe('node');
  });

  it('publishes ports on loopback unless told otherwise, and none of a data store', () => {
    const published = services.flatMap(([name, service]) => service.ports.map((port) => ({ name, port })));
    expect(published.map(({ name }) => name).sort()).toEqual(['gateway', 'transfer']);
    for (const { port } of published) expect(port).toMatch(/^\$\{[A-Z_]+:-127\.0\.0\.1:\d+\}:\d+$/);
  });

  it('declares each volume and secret that a service uses', () => {
    const volumes = services.flatMap(([, service]) => service.volumes.map((volume) => volume.split(':')[0]!));
    const named = volumes.filter((volume) => !volume.startsWith('.'));
    expect(new Set(named)).toEqual(new Set(Object.keys(file.volumes)));
    for (const path of volumes.filter((volume) => volume.startsWith('.'))) {
      expect(existsSync(join(PROJECT_FOLDER, path))).toBe(true);
    }
    const secrets = services.flatMap(([, service]) => service.secrets);
    expect(new Set(secrets)).toEqual(new Set(Object.keys(file.secrets)));
  });
});

describe('secrets', () => {
  const example = readFileSync(join(PROJECT_FOLDER, '.env.example'), 'utf8');

  /** Literal passwords in a text: in URLs, and as values of variables that are named like one. */
  function literalSecrets(text: string): string[] {
    const inUrls = [...text.matchAll(/\/\/[^\s:/@{}]+:([^@\s]+)@/g)].map((match) => match[1]!);
    const named = [...text.matchAll(/^\s*-?\s*[A-Z_]*(?:PASSWORD|TOKEN|SECRET)[A-Z_]*\s*[:=][^\S\n]*(\S+)/gm)].map(
      (match) => match[1]!,
    );
    const isReference = (value: string) => /^['"]*\$\{/.test(value) || value.startsWith('/run/secrets/');
    return [...inUrls, ...named].filter((value) => !isReference(value) && value !== '...');
  }

  it('are not in the compose file nor in the example of the environment', () => {
    expect(literalSecrets(readComposeText())).toEqual([]);
    expect(literalSecrets(example)).toEqual([]);
  });

  it('would be found there', () => {
    expect(literalSecrets('  NATS_URL: nats://landfall:hunter2@nats:4222')).toEqual(['hunter2']);
    expect(literalSecrets('      POSTGRES_PASSWORD: hunter2')).toEqual(['hunter2']);
    expect(literalSecrets('NATS_PASSWORD=hunter2')).toEqual(['hunter2']);
  });

  it('must be given: each variable without a default is in the example, and empty', () => {
    const required = new Set([...readComposeText().matchAll(/\$\{(\w+):\?/g)].map((match) => match[1]!));
    expect(required.size).toBeGreaterThan(0);
    for (const name of required) expect(example).toMatch(new RegExp(`^${name}=$`, 'm'));
  });
});
