import type { ComponentChildren } from 'preact';
import type { FieldReason } from '../texts.ts';
import { journey } from './curl.ts';

/** Every code that a problem may have; the page shows them all. */
export type Problems = Readonly<
  Record<string, { readonly status: number; readonly title: string }>
>;

/** What stands above the operations, in the order of the page. */
export const CHAPTERS = [
  { id: 'cookies', title: 'Sessions and cookies' },
  { id: 'changes', title: 'Requests that change something' },
  { id: 'curl', title: 'From sign-up to a change' },
  { id: 'problems', title: 'Problems' },
  { id: 'field-reasons', title: 'Refused fields' },
] as const;

interface IntroductionProps {
  readonly origin: string;
  readonly problems: Problems;
}

export function Introduction({ origin, problems }: IntroductionProps) {
  return (
    <>
      <Cookies />
      <Changes origin={origin} />
      <Curl origin={origin} />
      <ProblemCodes problems={problems} />
      <FieldReasons />
    </>
  );
}

interface ChapterProps {
  readonly id: (typeof CHAPTERS)[number]['id'];
  readonly children: ComponentChildren;
}

function Chapter({ id, children }: ChapterProps) {
  return (
    <section class="chapter" id={id}>
      <h2>{CHAPTERS.find((chapter) => chapter.id === id)?.title}</h2>
      {children}
    </section>
  );
}

function Cookies() {
  return (
    <Chapter id="cookies">
      <p>
        Sign-in answers with two cookies, both <code>Secure</code>, <code>SameSite=Strict</code> and
        without a domain. A browser sends them by itself; a program keeps them in a jar. The session
        ends when its owner signs out, after an hour without a request, and at the latest after
        twelve hours. Of every request the database itself checks whose it is.
      </p>
      <p>
        The most sensitive changes ask for a password proved in the last five minutes, and are
        refused with <code>step-up-required</code> until it is proved again.
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">Cookie</th>
            <th scope="col">Holds</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">
              <code>__Host-session</code>
            </th>
            <td>The session token. No script can read it.</td>
          </tr>
          <tr>
            <th scope="row">
              <code>__Host-csrf</code>
            </th>
            <td>
              The synchronizer token, for your script to read. The server never reads it back.
            </td>
          </tr>
          <tr>
            <th scope="row">
              <code>__Host-presession</code>
            </th>
            <td>What a visitor&#39;s forms are bound to. Sign-in clears it.</td>
          </tr>
        </tbody>
      </table>
    </Chapter>
  );
}

function Changes({ origin }: { readonly origin: string }) {
  return (
    <Chapter id="changes">
      <p>
        Every method but <code>GET</code> passes three checks, and none of them makes up for
        another.
      </p>
      <ol class="checks">
        <li>
          <strong>Origin.</strong> <code>Sec-Fetch-Site</code> says <code>same-origin</code>, or{' '}
          <code>Origin</code> is <code>{origin}</code>. Browsers send both by themselves; a program
          that keeps cookies sends <code>Origin</code>.
        </li>
        <li>
          <strong>Content type.</strong> <code>Content-Type: application/json</code>, also where
          there is no body. Fields that a request does not know are refused.
        </li>
        <li>
          <strong>Synchronizer token.</strong> The header <code>X-CSRF-Token</code> has the{' '}
          <code>csrfToken</code> of sign-in or of <code>GET /api/session</code>, or the value of the
          cookie <code>__Host-csrf</code>. It is masked anew each time; all masks of it are the same
          token, and it is good for one session only.
        </li>
      </ol>
    </Chapter>
  );
}

function Curl({ origin }: { readonly origin: string }) {
  return (
    <Chapter id="curl">
      <p>
        With <code>curl</code> in any POSIX shell. The examples of the operations below go on from
        here: in the same shell, with the same <code>jar</code>.
      </p>
      <pre>
        <code>{journey(origin)}</code>
      </pre>
    </Chapter>
  );
}

const PROBLEM = {
  type: 'urn:sallyport:problem:invalid-fields',
  title: 'Some fields need to be corrected.',
  status: 400,
  code: 'invalid-fields',
  instance: 'urn:uuid:bc484e5f-c7ed-4f90-b031-a3d92f6707e4',
  errors: [{ field: 'password', reason: 'password-too-short' }],
};

function ProblemCodes({ problems }: { readonly problems: Problems }) {
  return (
    <Chapter id="problems">
      <p>
        Every answer that is not a success is <code>application/problem+json</code> (RFC 9457).
        Branch on <code>code</code>: it is stable. <code>title</code> is a sentence for a person and
        may change. <code>instance</code> is the id of the request; it leads the operator to the
        log. A refusal never says which check refused, nor whether an address is known.
      </p>
      <pre>
        <code>{JSON.stringify(PROBLEM, null, 2)}</code>
      </pre>
      <table>
        <thead>
          <tr>
            <th scope="col">Code</th>
            <th scope="col">Status</th>
            <th scope="col">Title</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(problems).map(([code, { status, title }]) => (
            <tr key={code} id={`problem-${code}`}>
              <th scope="row">
                <code>{code}</code>
              </th>
              <td>{status}</td>
              <td>{title}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Chapter>
  );
}

/** The compiler keeps the list complete. One reason exists in forms only. */
const REASONS: Readonly<Record<Exclude<FieldReason, 'other'>, string>> = {
  'password-compromised': 'A new password is in the list of compromised ones.',
  'too-short': 'A slug has fewer than 3 characters.',
  'malformed-slug': 'A slug has something else than small letters, digits and inner hyphens.',
  'slug-taken': 'Another tenant has the slug, or it is kept for nobody.',
  'malformed-role-name': "A role's name has something else than small letters, digits and hyphens.",
  'role-name-taken': 'The tenant has a role of this name.',
  'unknown-role': 'The tenant has no such role.',
  'unknown-level': 'A level is 10, 20 or 30.',
  'unknown-permission': 'Nobody declares such a permission.',
  'too-many-roles': 'The tenant has 50 roles.',
  'malformed-cursor': 'The cursor is not one of this list.',
  required: 'Missing, or empty.',
  'not-text': 'Something else than a text, such as a list or a number.',
  'unknown-field': 'This request does not take such a field.',
  'too-long': 'A name of more than 100 characters, an address of more than 254 octets.',
  'malformed-address': 'Not one complete email address.',
  'same-address': 'The address is the one that the account has.',
  'invisible-characters': 'Characters that show nothing, or turn text around.',
  'password-too-short': 'Fewer than 15 characters.',
  'password-too-long': 'More than 128 characters.',
  'password-common': 'Common, or easy to guess.',
  'password-personal': "Made of the person's own name or address, or of the product's name.",
  'password-repeated': 'The same characters again and again.',
  'wrong-password': 'Not the current password.',
  'out-of-range': 'A number is none, or outside of what the field takes.',
  unusable: 'Nobody could meet what is asked for.',
  'wrong-code': 'Not a code of the authenticator app, or one that was used.',
  'password-sequence': 'A run of neighbouring characters or keys.',
};

function FieldReasons() {
  return (
    <Chapter id="field-reasons">
      <p>
        <code>errors</code> of <code>invalid-fields</code> has one entry or more: the name of the
        field, empty for the body as a whole, and one of these reasons.
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">Reason</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(REASONS).map(([reason, meaning]) => (
            <tr key={reason}>
              <th scope="row">
                <code>{reason}</code>
              </th>
              <td>{meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Chapter>
  );
}
