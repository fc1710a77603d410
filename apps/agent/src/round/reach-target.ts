import { NbdConnection, type DataPathSecurity } from '#libs/block-transfer';
import type { NbdExport } from '#libs/contracts';

/** Connects to the export, and says goodbye. Rejects with an EndpointFailure `DATA_PATH_*` or `EXPORT_FAILED`. */
export async function reachTarget(target: NbdExport, security: DataPathSecurity, signal: AbortSignal): Promise<void> {
  const connection = await NbdConnection.connect(target, { ...security, signal });
  await connection.close();
}
