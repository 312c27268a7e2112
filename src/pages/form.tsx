import type { PartialInputHTMLAttributes } from 'preact';
import type { FieldName, FieldReason, FieldTexts, Texts } from './texts.ts';

/** What was wrong with one field of a form that was sent; `reason` is a stable code. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

/** Told to browsers so that they can warn before sending; the rule is checked on arrival. */
export const passwordCharactersMin = 15;

interface HiddenFieldProps {
  readonly name: string;
  readonly value: string;
}

/**
 * Firefox keeps the values of hidden fields over a reload. A stale synchronizer token would then
 * survive the very reload that we advise, hence `autocomplete`.
 */
export function HiddenField({ name, value }: HiddenFieldProps) {
  return <input type="hidden" name={name} value={value} autocomplete="off" />;
}

/**
 * Tells a password manager whose password stands in the form. It is neither seen nor sent, which is
 * why it has no name.
 */
export function NameForPasswordManagers({ email }: { readonly email: string }) {
  return <input id="username" type="text" autocomplete="username" value={email} readonly hidden />;
}

interface TextFieldProps {
  readonly texts: Texts;
  readonly name: FieldName;
  readonly type: 'text' | 'email' | 'password';
  readonly autocomplete:
    | 'name'
    | 'email'
    | 'username'
    | 'username webauthn'
    | 'current-password'
    | 'new-password'
    | 'one-time-code'
    | 'organization'
    | 'off';
  /** Absent for passwords: a secret is never sent back to the page. */
  readonly value?: string | undefined;
  readonly minlength?: number;
  /** For a form where the field means something more special than usual. */
  readonly label?: string;
  readonly hint?: string;
  readonly showHint?: boolean;
  readonly errors?: readonly FieldError[];
  /** The id of a message elsewhere that says what is wrong. */
  readonly invalidBecause?: string | undefined;
  readonly autofocus?: boolean;
  /** Digits alone, for the keyboard that a phone shows. */
  readonly numeric?: boolean;
  readonly required?: boolean;
}

/**
 * One labelled field with its hint and errors. The browser checks what it can before sending, so
 * that a slip does not cost the person the password just typed; there is no `maxlength`, which
 * would cut a pasted password without a word (ASVS 6.2.8).
 */
export function TextField(props: TextFieldProps) {
  const { texts, name, errors = [] } = props;
  const own = errors.filter((error) => error.field === name);
  const hint = props.showHint === false ? undefined : (props.hint ?? texts.fields[name].hint);
  const described = [
    hint === undefined ? '' : `${name}-hint`,
    own.length > 0 ? `${name}-error` : '',
    props.invalidBecause ?? '',
  ].filter((id) => id !== '');
  const invalid = own.length > 0 || props.invalidBecause !== undefined;
  return (
    <div class="field">
      <label for={name}>{props.label ?? texts.fields[name].label}</label>
      {hint !== undefined && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {own.length > 0 && <FieldErrors texts={texts} name={name} errors={own} />}
      <Input
        texts={texts}
        type={props.type}
        attributes={{
          id: name,
          name,
          value: props.value,
          autocomplete: props.autocomplete,
          spellcheck: false,
          required: props.required ?? true,
          inputMode: props.numeric ? 'numeric' : undefined,
          minlength: props.minlength,
          autofocus: props.autofocus === true,
          'aria-describedby': described.length > 0 ? described.join(' ') : undefined,
          'aria-invalid': invalid ? 'true' : undefined,
        }}
      />
    </div>
  );
}

interface InputProps {
  readonly texts: Texts;
  readonly type: TextFieldProps['type'];
  readonly attributes: Omit<PartialInputHTMLAttributes<HTMLInputElement>, 'type' | 'role'>;
}

function Input({ texts, type, attributes }: InputProps) {
  if (type === 'text') return <input type="text" dir="auto" {...attributes} />;
  if (type === 'email') return <input type="email" autocapitalize="none" {...attributes} />;
  return (
    <div class="secret">
      <input type="password" autocapitalize="none" data-show={texts.showPassword} {...attributes} />
    </div>
  );
}

interface CheckFieldProps {
  readonly texts: Texts;
  readonly name: FieldName;
  readonly value: string;
  readonly checked?: boolean;
  readonly errors?: readonly FieldError[] | undefined;
}

/** A box that must be ticked before the form can be sent. */
export function CheckField(props: CheckFieldProps) {
  const { texts, name, value, checked = false, errors = [] } = props;
  const own = errors.filter((error) => error.field === name);
  return (
    <div class="check">
      <input
        id={name}
        type="checkbox"
        name={name}
        value={value}
        checked={checked}
        required
        autocomplete="off"
        aria-describedby={own.length > 0 ? `${name}-error` : undefined}
        aria-invalid={own.length > 0 ? 'true' : undefined}
      />
      <label for={name}>{texts.fields[name].label}</label>
      {own.length > 0 && <FieldErrors texts={texts} name={name} errors={own} />}
    </div>
  );
}

interface FieldErrorsProps {
  readonly texts: Texts;
  readonly name: FieldName;
  readonly errors: readonly FieldError[];
}

function FieldErrors({ texts, name, errors }: FieldErrorsProps) {
  return (
    <div class="field-error" id={`${name}-error`}>
      {errors.map((error) => (
        <p key={error.reason}>{fieldErrorText(texts, error)}</p>
      ))}
    </div>
  );
}

interface ErrorSummaryProps {
  readonly texts: Texts;
  readonly errors: readonly FieldError[];
  readonly fields: readonly FieldName[];
}

/**
 * All errors of a form in one place, right under the title and focused on arrival, each a link to
 * its field. An error of a field that the form does not have is told without a link and without its
 * name, which came from outside.
 */
export function ErrorSummary({ texts, errors, fields }: ErrorSummaryProps) {
  if (errors.length === 0) return null;
  return (
    <div class="notice wrong" role="alert" tabindex={-1} autofocus>
      <h2>{texts.errorSummary}</h2>
      <ul>
        {errors.map((error) => {
          const field = fields.find((name) => name === error.field);
          const text = fieldErrorText(texts, error);
          return (
            <li key={`${error.field} ${error.reason}`}>
              {field === undefined ? text : <a href={`#${field}`}>{text}</a>}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** The text for an error: the field's own, else the general one, else that of `other`. */
export function fieldErrorText(texts: Texts, { field, reason }: FieldError): string {
  const known: FieldReason = isFieldReason(texts, reason) ? reason : 'other';
  const own: FieldTexts['errors'] = isFieldName(texts, field) ? texts.fields[field].errors : {};
  return own[known] ?? texts.errors[known];
}

function isFieldReason(texts: Texts, reason: string): reason is FieldReason {
  return Object.hasOwn(texts.errors, reason);
}

function isFieldName(texts: Texts, field: string): field is FieldName {
  return Object.hasOwn(texts.fields, field);
}
