export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}
export interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}
export function countsOf(exitCode: number, report: Report | undefined): Counts;
export function closingLine(counts: readonly Counts[]): string;
