import { readdirSync, readFileSync } from 'node:fs';

/** In a tick of the kernel's accounting: Linux shows it to programs in hundredths of a second. */
const MICROSECONDS_IN_TICK = 10_000;

/** A process and its children; only itself where there is no /proc. */
export function familyOf(pid: number): readonly number[] {
  const children = everyPid().filter((each) => statOf(each)?.[1] === String(pid));
  return [pid, ...children];
}

/** CPU time that each of these processes has used so far, in microseconds. */
export function cpuTimesOf(pids: readonly number[]): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  for (const pid of pids) {
    const stat = statOf(pid);
    if (stat) times.set(pid, (Number(stat[11]) + Number(stat[12])) * MICROSECONDS_IN_TICK);
  }
  return times;
}

/** What was used between the two; a process that has ended in between took its account along. */
export function cpuUsedBetween(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): number {
  return [...after].reduce((sum, [pid, time]) => sum + time - (before.get(pid) ?? 0), 0);
}

/** What of a process is in memory now; null where nobody tells. */
export function memoryMegabytes(pid: number): number | null {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1];
  return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1_024);
}

/** From the third field on, because the second, a name in parentheses, may contain blanks. */
function statOf(pid: number): readonly string[] | null {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  return text === '' ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function everyPid(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** A process that has ended in the meantime has no files any more. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
