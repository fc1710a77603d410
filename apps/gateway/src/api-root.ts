/** Every route but `/health` and `/openapi.json` is below this path. */
export const API_ROOT = 'api/v1';
