/* global fetch, AbortSignal */
/** Exit code 0 when the service in this container answers GET /health with 200. The image has no curl. */
const port = process.env.HEALTH_PORT ?? '';

const isHealthy = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(4_000) })
  .then((response) => response.ok)
  .catch(() => false);

process.exitCode = isHealthy ? 0 : 1;
