export type Whim = 'sync' | 'resend' | 'retry' | 'pause' | 'resume' | 'cancel' | 'withdraw' | 'cut-over' | 'schedule';
