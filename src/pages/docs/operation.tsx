import { STATUS_CODES } from 'node:http';
import { curlOf, variablesOf } from './curl.ts';
import type { Problems } from './introduction.tsx';
import type { Answer, Operation, Parameter } from './openapi.ts';
import { exampleOf, type Field, fieldsOf, limitsText, typeText } from './schema.ts';
import { TryIt } from './try-it.tsx';

interface OperationProps {
  readonly operation: Operation;
  readonly origin: string;
  readonly problems: Problems;
  readonly tryIt: boolean;
}

/** One operation: on the left what it takes and gives, on the right how that looks. */
export function OperationArticle({ operation, origin, problems, tryIt }: OperationProps) {
  const { id, method, path, summary, description, parameters, body, answers } = operation;
  return (
    <article class="operation" id={id} aria-labelledby={`${id}--title`}>
      <h3 id={`${id}--title`}>
        <MethodMark method={method} /> <span class="path">{path}</span>
      </h3>
      <div class="told">
        {summary !== '' && <p class="summary">{summary}.</p>}
        {description !== '' && <p>{description}</p>}
        <p class="access">
          <span>Who may call it</span> {accessText(operation)}
        </p>
        {parameters.length > 0 && (
          <>
            <h4>Parameters</h4>
            <FieldList fields={parameters.map(parameterField)} />
          </>
        )}
        {body && (
          <>
            <h4>Body{body.optional ? ', which may be left out' : ''}</h4>
            <Fields schema={body.schema} none="An empty object." />
          </>
        )}
        <h4>Answers</h4>
        <dl class="answers">
          {answers.map((answer) => (
            <AnswerEntry key={answer.status} answer={answer} problems={problems} />
          ))}
        </dl>
      </div>
      <div class="shown">
        <Example title="With curl" text={curlOf(operation, origin)} />
        <Variables names={variablesOf(operation)} />
        {answers
          .filter(({ status, schema }) => status < '300' && schema !== null)
          .map(({ status, schema }) => (
            <Example
              key={status}
              title={`Answer ${status}`}
              text={JSON.stringify(exampleOf(schema ?? {}), null, 2)}
            />
          ))}
        {tryIt && <TryIt operation={operation} />}
      </div>
    </article>
  );
}

/** The class is one of five; the text is the method as the document has it. */
export function MethodMark({ method }: Pick<Operation, 'method'>) {
  return <span class={`method ${method.toLowerCase()}`}>{method}</span>;
}

function accessText({ security }: Operation): string {
  if (security.length === 0) return 'Anybody';
  if (!security.includes('session')) return security.join(', ');
  return security.includes('synchronizerToken')
    ? 'Whoever is signed in, with the synchronizer token'
    : 'Whoever is signed in';
}

function parameterField({ name, required, description, schema }: Parameter): Field {
  return {
    name,
    type: typeText(schema ?? {}),
    required: required === true,
    limits: limitsText(schema ?? {}),
    description: description ?? schema?.description ?? '',
  };
}

interface FieldsProps {
  readonly schema: Parameters<typeof fieldsOf>[0];
  readonly none: string;
}

function Fields({ schema, none }: FieldsProps) {
  const fields = fieldsOf(schema);
  return fields.length > 0 ? <FieldList fields={fields} /> : <p>{none}</p>;
}

function FieldList({ fields }: { readonly fields: readonly Field[] }) {
  return (
    <ul class="fields">
      {fields.map(({ name, type, required, limits, description }) => (
        <li key={name}>
          <p>
            <code>{name}</code> <span class="type">{type}</span>
            {!required && <span class="type">, optional</span>}
          </p>
          {(limits !== '' || description !== '') && (
            <p class="hint">{[description, limits].filter((text) => text !== '').join('; ')}</p>
          )}
        </li>
      ))}
    </ul>
  );
}

interface AnswerEntryProps {
  readonly answer: Answer;
  readonly problems: Problems;
}

/** A problem has the same fields everywhere: what differs is which codes the status has. */
function AnswerEntry({ answer: { status, schema }, problems }: AnswerEntryProps) {
  const isProblem = status >= '400' && schema?.properties?.['code'] !== undefined;
  const codes =
    schema?.properties?.['code']?.enum?.map(String) ??
    Object.keys(problems).filter((code) => String(problems[code]?.status) === status);
  return (
    <div>
      <dt>
        <code>{status}</code> {/^\d{3}$/.test(status) ? STATUS_CODES[status] : ''}
      </dt>
      <dd>
        {isProblem && <ProblemLinks codes={codes} />}
        {!isProblem && schema === null && <p>No body.</p>}
        {!isProblem && schema?.items && <p>An array. Each element has:</p>}
        {!isProblem && schema !== null && <Fields schema={schema} none={typeText(schema)} />}
      </dd>
    </div>
  );
}

function ProblemLinks({ codes }: { readonly codes: readonly string[] }) {
  return (
    <ul class="codes">
      {codes.length === 0 && <li>A problem</li>}
      {codes.map((code) => (
        <li key={code}>
          <a href={`#problem-${code}`}>{code}</a>
        </li>
      ))}
    </ul>
  );
}

function Example({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <figure class="example">
      <figcaption>{title}</figcaption>
      <pre>
        <code>{text}</code>
      </pre>
    </figure>
  );
}

function Variables({ names }: { readonly names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <p class="hint">
      {names.map((name) => (
        <span key={name}>
          <code>${name}</code>{' '}
        </span>
      ))}
      {names.includes('token')
        ? 'is the token of the mailed link, as above.'
        : 'comes from an earlier answer.'}
    </p>
  );
}
