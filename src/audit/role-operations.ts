import { bodyFieldsOf } from './fields.ts';
import { type Operation, pathParametersOf } from './operation.ts';
import { isNameField, PEOPLE, singular, snake, wordsOf } from './words.ts';

/** The operations by which a target's people make roles of their own and give them to others. */
export interface RoleOperations {
  readonly creation: Operation;
  /** The roles there are, or null where no operation lists them. */
  readonly list: Operation | null;
  readonly deletion: Operation | null;
  readonly renaming: Operation | null;
  readonly givings: readonly Operation[];
  /** Takes a role from somebody who may have several. */
  readonly taking: Operation | null;
}

/** A field with what a role is called. */
export const NAME = /^(name|role_name|title|label|slug|code|key|display_name)$/;

/** A field that says which role. */
export const ROLE = /^(role|roles|role_name|role_names|role_id|role_ids|role_slug|role_key)$/;

/** Null where the document has no way to make a role and to give it to somebody. */
export function roleOperations(all: readonly Operation[]): RoleOperations | null {
  const givings = all.filter(givesRole);
  const taking = all.find(takesRole) ?? null;
  for (const creation of all.filter((one) => makesRole(one) && !givings.includes(one))) {
    const collection = creation.path.replace(/\/+$/, '');
    const at = (methods: readonly string[], isOne: boolean) =>
      all.filter(
        ({ method, path }) =>
          methods.includes(method) &&
          (isOne
            ? path.startsWith(`${collection}/{`) &&
              /^\/\{[^{}]+\}\/?$/.test(path.slice(collection.length))
            : path.replace(/\/+$/, '') === collection),
      );
    const renaming = at(['PATCH', 'PUT'], true).find((one) =>
      bodyFieldsOf(one).some(({ name }) => NAME.test(snake(name))),
    );
    if (givings.length === 0) continue;
    return {
      creation,
      list: at(['GET'], false)[0] ?? null,
      deletion: at(['DELETE'], true)[0] ?? null,
      renaming: renaming ?? null,
      givings,
      taking,
    };
  }
  return null;
}

function makesRole(operation: Operation): boolean {
  const { method, path } = operation;
  const last = path.split('/').findLast((part) => part !== '') ?? '';
  return (
    method === 'POST' &&
    isRoles(last) &&
    bodyFieldsOf(operation).some(({ name }) => NAME.test(snake(name)))
  );
}

function isRoles(segment: string): boolean {
  return !segment.includes('{') && singular(wordsOf(segment).at(-1) ?? '') === 'role';
}

/** Names a person and a role: one of the two in the path, the other there or in the body. */
function givesRole(operation: Operation): boolean {
  const { method, path } = operation;
  if (!['PUT', 'PATCH', 'POST'].includes(method)) return false;
  const roles = pathParametersOf(path).filter((name) => selectsRole(path, name));
  const people = pathParametersOf(path).filter((name) => selectsPerson(path, name));
  const fields = bodyFieldsOf(operation).map(({ name }) => snake(name));
  if (people.length > 0) return roles.length > 0 || fields.some((name) => ROLE.test(name));
  return roles.length > 0 && fields.some(namesPerson);
}

/** Whether a role is given beside those that somebody has, and not in place of the one. */
export function addsRole({ method, path }: Operation): boolean {
  const last = path.split('/').findLast((part) => part !== '') ?? '';
  const isIntoRoles = method === 'POST' && isRoles(last) && /s$/i.test(last);
  return isIntoRoles || pathParametersOf(path).some((name) => selectsRole(path, name));
}

function takesRole({ method, path }: Operation): boolean {
  const names = pathParametersOf(path);
  return (
    method === 'DELETE' &&
    names.some((name) => selectsRole(path, name)) &&
    names.some((name) => selectsPerson(path, name))
  );
}

export function selectsRole(path: string, parameter: string): boolean {
  return isRoles(segmentBefore(path, parameter));
}

export function selectsPerson(path: string, parameter: string): boolean {
  const segment = segmentBefore(path, parameter);
  return !segment.includes('{') && PEOPLE.test(wordsOf(segment).at(-1) ?? '');
}

function segmentBefore(path: string, parameter: string): string {
  const before = path.slice(0, path.indexOf(`{${parameter}}`));
  return before.split('/').findLast((part) => part !== '') ?? '';
}

export function namesPerson(field: string): boolean {
  return isNameField(field) || /^(user|member|account|person|identity)(_?ids?)?$/.test(field);
}
