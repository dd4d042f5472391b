// How long to wait before the next try: doubles, with jitter, so that a restarted server is not met by all at once.

export interface Waits {
  firstMs: number;
  mostMs: number;
}

/** Milliseconds before try number `failures` (from 0); `random` from 0 to 1. Half of it is certain, half is chance. */
export function backoff(failures: number, { firstMs, mostMs }: Waits, random: number): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 30));
  return Math.round(whole / 2 + (whole / 2) * random);
}
