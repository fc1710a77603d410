/** What every report of a round names. */
export interface OfAttempt {
  readonly taskId: string;
  readonly roundId: string;
  readonly assignmentId: string;
}

export const ofAttempt = ({ taskId, roundId, assignmentId }: OfAttempt): OfAttempt => ({
  taskId,
  roundId,
  assignmentId,
});
