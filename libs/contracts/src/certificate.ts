import * as z from 'zod';

const MAX_CERTIFICATE_CHARACTERS = 4_096;

/**
 * One X.509 certificate in PEM (RFC 7468), by which one end of the data path knows the other: it is compared as it is,
 * and vouches for nobody else. Public. The form lets nothing else pass, a private key least of all, since it is recorded.
 */
export const certificatePem = z
  .string()
  .max(MAX_CERTIFICATE_CHARACTERS)
  .regex(/^-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/]{1,64}={0,2}\n)+-----END CERTIFICATE-----\n?$/);
