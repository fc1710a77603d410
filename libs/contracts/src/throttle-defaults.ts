/** As calendars name them. */
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

/** The settings of whoever chose nothing. */
export const DEFAULT_THROTTLE = {
  /** 300 Mbps (R25). */
  networkBytesPerSecond: 37_500_000,
  /** 30 % of the time (R24). */
  storageShare: 0.3,
  storageQueueDepth: 4,
  calendar: null,
} as const;
