/** Who may import whom. Each rule has a name and a reason; cycles are errors. */
/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'A cycle is two modules that are one.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      comment:
        "Decisions know only their own files, the kernel and the contracts' types: no Nest, no I/O, no node:*, no clock.",
      from: { path: '/domain/', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: ['/domain/', '^libs/eventsourcing/', '^libs/contracts/', '^node_modules/zod'] },
    },
    {
      name: 'kernel-is-pure',
      severity: 'error',
      comment: 'The event-sourcing kernel is the ground everything stands on; only hashing comes from Node.',
      from: { path: '^libs/eventsourcing/', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: ['^libs/eventsourcing/', '^(node:)?crypto$', '^node_modules/zod'] },
    },
    {
      name: 'contracts-import-nothing',
      severity: 'error',
      comment: 'Contracts are what programs agree on, independent of how either is built.',
      from: { path: '^libs/contracts/', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: ['^libs/contracts/', '^node_modules/zod'] },
    },
    {
      name: 'apps-are-islands',
      severity: 'error',
      comment: 'An app never imports another app; only standalone hosts them.',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/standalone/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'event-store-for-services-only',
      severity: 'error',
      comment: 'Gateway, ends and tools for people never touch the event store: services record, others ask.',
      from: { path: '^apps/(gateway|agent|restorer|cli|console)/' },
      to: { path: ['^libs/eventstore/', '^libs/eventstore-node/', '^node_modules/@eventstore'] },
    },
    {
      name: 'ends-without-nest',
      severity: 'error',
      comment: 'Agent and restorer are small programs for foreign machines: plain TypeScript.',
      from: { path: '^(apps/(agent|restorer)|libs/(block-transfer|endpoint-link))/' },
      to: { path: '^node_modules/(@nestjs|typeorm|pg|@nats-io)' },
    },
    {
      name: 'libs-do-not-know-apps',
      severity: 'error',
      comment: 'A library that imports a program is part of that program.',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
    {
      name: 'libs-through-their-index',
      severity: 'error',
      comment: "A library's index.ts is its surface; everything else may change.",
      from: { path: '^(apps|libs/([^/]+)|infra|test)/' },
      to: {
        path: '^libs/([^/]+)/',
        pathNot: ['^libs/$2/', '^libs/[^/]+/src/index\\.ts$', '^libs/eventstore-node/src/main\\.ts$'],
      },
    },
    {
      name: 'no-test-code-in-programs',
      severity: 'error',
      comment: 'Fakes and specs stay out of what is shipped.',
      from: { path: '^(apps|libs)/', pathNot: ['\\.spec\\.ts$', '^libs/testing/'] },
      to: { path: ['\\.spec\\.ts$', '^libs/testing/', '^test/'] },
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      comment: 'An import that resolves to nothing fails at run time.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules/(?!zod|@nestjs|typeorm|pg|@nats-io|@eventstore))' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['landfall-source', 'import', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
