/** Name and version, as the server shows them. Kept in step with the version of the project by a test. */
export const SOFTWARE = 'landfall-restorer 0.1.0';
