import { NbdConnection } from '#libs/block-transfer';
import type { NbdExport } from '#libs/contracts';

/** Connects to the export, and says goodbye. Rejects with an EndpointFailure `DATA_PATH_LOST` or `EXPORT_FAILED`. */
export async function reachTarget(target: NbdExport, signal: AbortSignal): Promise<void> {
  const connection = await NbdConnection.connect(target, { signal });
  await connection.close();
}
