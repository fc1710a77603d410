export function startTimeOf(stat: string): string | undefined;
