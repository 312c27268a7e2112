import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import type { Tx } from './transaction.ts';

/** Whether the words are of the member's name or of their address. */
export type WordSource = 'name' | 'address';

/** The words by which a member is found, in every tenant that the identity is a member of. */
export async function replaceMemberWords(
  tx: Tx,
  identityId: string,
  source: WordSource,
  words: readonly Buffer[],
): Promise<void> {
  await tx
    .deleteFrom('sallyport.member_words')
    .where('identity_id', '=', identityId)
    .where('source', '=', source)
    .execute();
  await tx
    .insertInto('sallyport.member_words')
    .columns(['tenant_id', 'identity_id', 'word', 'source'])
    .expression((from) =>
      from
        .selectFrom('sallyport.memberships as m')
        .innerJoin(sql<{ word: Buffer }>`unnest(${words}::BYTEA[])`.as<'w'>(sql`w(word)`), (join) =>
          join.onTrue(),
        )
        .where('m.identity_id', '=', identityId)
        .select(['m.tenant_id', 'm.identity_id', 'w.word'])
        .select(sql<WordSource>`${source}::TEXT`.as('source')),
    )
    .execute();
}

/**
 * Has the memberships of the request's own identity follow its new name: how they are sorted, and
 * by which words they are found. sallyport_app may do this by a function, and for nobody else.
 */
export function renameOwnMemberships(sortName: string, words: readonly Buffer[]): Statement {
  return {
    sql: 'SELECT sallyport.rename_memberships($1::TEXT, $2::BYTEA[])',
    parameters: [sortName, words],
  };
}
