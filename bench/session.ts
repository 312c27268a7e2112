import { compare } from './load.ts';
import { startServerProcess } from './processes.ts';
import type { Figure } from './run.ts';
import { setStage } from './support.ts';

/** GET /api/session, which the database decides and answers, against one bare prepared query. */
export async function sessionBench(): Promise<readonly Figure[]> {
  const stage = await setStage();
  const reference = await startServerProcess(['bench/reference-server.ts'], {
    DATABASE_URL: stage.databaseUrl,
  });
  const headers = { cookie: stage.cookie };
  const { ratio, spread } = await compare(
    { url: `${stage.server.origin}/api/session`, headers },
    { url: `${reference.origin}/profiles/${stage.identityId}` },
  );
  const roundTrips = await stage.countRoundTrips(async (origin) => {
    const answer = await fetch(`${origin}/api/session`, { headers });
    if (answer.status !== 200) throw new Error(`/api/session answered ${answer.status}`);
    await answer.arrayBuffer();
  });
  await reference.stop();
  await stage.strike();
  const against = 'bare Fastify with one prepared pg query';
  return [{ bench: 'session', against, ratio, spread, roundTrips }];
}
