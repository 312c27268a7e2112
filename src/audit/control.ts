import { type Actor, bogusOf } from './actor.ts';
import { plainCall } from './access.ts';
import { shows } from './canary.ts';
import { isReadable } from './dangers.ts';
import { isGranted, isRefused } from './exchange.ts';
import { portraitOf, portraitOfTokens } from './identity.ts';
import type { Chosen, Granted } from './knowledge.ts';
import { choicesFor } from './purposes.ts';
import { type Run, send } from './run.ts';

/** A read that tells an account from nobody. */
export interface Control {
  readonly granted: Granted;
  readonly chosen: Chosen | null;
}

const CANDIDATES_MAX = 10;

/** Fills in what the target says about who an actor is. */
export async function identify(run: Run, actor: Actor): Promise<Actor> {
  const username = actor.account?.username ?? null;
  const fromTokens = portraitOfTokens(actor.credential);
  const names = new Set<string>(username === null ? [] : [username]);
  let tenant = fromTokens.tenant;
  for (const { operation } of choicesFor(run, 'who-am-i').slice(0, CANDIDATES_MAX)) {
    if (!isReadable(operation) || username === null) continue;
    const { answer } = await send(run, plainCall(operation), actor);
    const portrait = portraitOf(answer, username);
    if (portrait === null) continue;
    for (const value of portrait.identity) names.add(value);
    tenant = portrait.tenant ?? tenant;
    break;
  }
  for (const value of fromTokens.identity) names.add(value);
  const identity = [...names].toSorted((one, other) => other.length - one.length);
  return { ...actor, identity, tenant };
}

/**
 * Finds the control: granted to A with A's identity in it, refused to nobody and to an invented
 * credential. A read without identity that the nameless are refused will do where there is none.
 */
export async function findControl(run: Run, a: Actor): Promise<Control | null> {
  const candidates = choicesFor(run, 'who-am-i').filter(({ operation }) => isReadable(operation));
  const others = run.knowledge.reads.filter(
    ({ call }) => !candidates.some(({ operation }) => operation.id === call.operation.id),
  );
  let fallback: Control | null = null;
  let passing: Control | null = null;
  const calls = [
    ...candidates
      .slice(0, CANDIDATES_MAX)
      .map((chosen) => ({ call: plainCall(chosen.operation), chosen })),
    ...others.slice(0, CANDIDATES_MAX).map(({ call }) => ({ call, chosen: null })),
  ];
  // A displayed name may be changed meanwhile, and by the audit itself.
  const lasting = a.identity.filter(
    (value) => value === a.account?.username || /^\d{3,}$|^[0-9a-f-]{24,36}$/i.test(value),
  );
  for (const { call, chosen } of calls) {
    const exchange = await send(run, call, a);
    if (!isGranted(exchange)) continue;
    const nobody = await send(run, call, {
      label: 'anonymous',
      credential: { ...bogusOf(a.credential), headers: {}, cookies: {}, query: {} },
    });
    const bogus = await send(run, call, { label: 'bogus', credential: bogusOf(a.credential) });
    const names = a.identity.filter((value) => value.length >= 3);
    const isOwn = names.some((value) => shows(exchange.answer, value));
    const toNobody = names.some(
      (value) => shows(nobody.answer, value) || shows(bogus.answer, value),
    );
    const granted = { call, actor: a, exchange };
    const confirmed = chosen === null ? null : { ...chosen, confirmed: true };
    const differs = isRefused(nobody) || nobody.answer?.text !== exchange.answer?.text;
    if (isOwn && !toNobody && differs) {
      const isLasting = lasting.some((value) => shows(exchange.answer, value));
      if (isLasting) return { granted, chosen: confirmed };
      passing ??= { granted, chosen: confirmed };
    }
    // An answer of 5xx to a bogus token is a refusal too where nobody is told nothing.
    if (isRefused(nobody) && !isGranted(bogus)) fallback ??= { granted, chosen: null };
  }
  return passing ?? fallback;
}
