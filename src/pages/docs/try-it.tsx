import { isUnsafe, type Operation } from './openapi.ts';
import { exampleOf } from './schema.ts';

/**
 * A form that assets/docs.js brings to life. It waits in a template: without a script there is no
 * form that could do nothing.
 */
export function TryIt({ operation }: { readonly operation: Operation }) {
  const { id, method, path, parameters, body } = operation;
  return (
    <template class="try-it">
      <form class="try" data-method={method} data-path={path}>
        <h4>Try it</h4>
        {parameters
          .filter((parameter) => parameter.in === 'path' || parameter.in === 'query')
          .map((parameter, index) => (
            <div class="field" key={parameter.name}>
              <label for={`${id}--parameter-${index}`}>
                <code>{parameter.name}</code>
              </label>
              <input
                type="text"
                id={`${id}--parameter-${index}`}
                name={parameter.name}
                data-in={parameter.in}
                required={parameter.required === true}
                autocomplete="off"
                spellcheck={false}
              />
            </div>
          ))}
        {body && <BodyField id={`${id}--body`} example={exampleOf(body.schema)} />}
        {isUnsafe(operation) && <TokenField id={`${id}--token`} />}
        <button class="button primary small" type="submit">
          Send {method}
        </button>
        <p class="outcome" role="status"></p>
        <dl class="headers" hidden></dl>
        <pre class="answer" role="group" aria-label="Body of the answer" tabindex={0} hidden>
          <code></code>
        </pre>
      </form>
    </template>
  );
}

interface BodyFieldProps {
  readonly id: string;
  readonly example: unknown;
}

function BodyField({ id, example }: BodyFieldProps) {
  const text = JSON.stringify(example, null, 2);
  return (
    <div class="field">
      <label for={id}>Body</label>
      <textarea id={id} rows={text.split('\n').length} autocomplete="off" spellcheck={false}>
        {text}
      </textarea>
    </div>
  );
}

/** To be unticked by whoever wants to see the request refused. */
function TokenField({ id }: { readonly id: string }) {
  return (
    <div class="choice">
      <input type="checkbox" id={id} name="synchronizer-token" checked autocomplete="off" />
      <label for={id}>
        Send <code>X-CSRF-Token</code>
      </label>
    </div>
  );
}
