import type { FastifyBaseLogger } from 'fastify';

export interface Repeated {
  /** Starts no further run, and waits for the one under way. */
  stop(): Promise<void>;
}

/** Does the work again and again, the pause between two runs; a run that fails is logged. */
export function repeat(
  pauseMilliseconds: number,
  log: FastifyBaseLogger,
  name: string,
  work: () => Promise<void>,
): Repeated {
  let stopped = false;
  let underWay = Promise.resolve();
  let timer = setTimeout(run, pauseMilliseconds);

  function run(): void {
    underWay = work()
      .catch((error: unknown) => log.warn({ err: error, work: name }, 'will be tried again'))
      .then(() => {
        if (!stopped) timer = setTimeout(run, pauseMilliseconds);
      });
  }

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await underWay;
    },
  };
}
