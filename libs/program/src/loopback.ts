/** Names of this machine that never leave it. */
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|\[::1\]|localhost)$/;

/** Whether what is sent to, or bound on, this host name stays on the machine, so that cleartext is no risk. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);
