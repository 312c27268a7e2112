// "Try it" of the documentation. Requests leave the page as those of any client do: same origin,
// JSON, and the synchronizer token in its header. Nothing that comes back becomes markup.

/** What a reader of an answer wants to see of its header; scripts never see Set-Cookie. */
const HEADERS = ['content-type', 'retry-after', 'allow', 'location', 'clear-site-data'];

const { csrfToken: visitorToken, mount } = document.querySelector('.docs').dataset;

for (const template of document.querySelectorAll('template.try-it')) {
  const form = template.content.firstElementChild.cloneNode(true);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send(form);
  });
  template.replaceWith(form);
}

async function send(form) {
  if (form.ariaBusy === 'true') return;
  form.ariaBusy = 'true';
  const { method } = form.dataset;
  try {
    const answer = await fetch(addressOf(form), {
      method,
      headers: method === 'GET' ? {} : await headersOf(form),
      body: form.querySelector('textarea')?.value,
      cache: 'no-store',
      redirect: 'manual',
    });
    show(form, answer, await answer.text());
  } catch {
    showNothing(form);
  }
  form.ariaBusy = 'false';
}

function addressOf(form) {
  const query = new URLSearchParams();
  let path = mount + form.dataset.path;
  for (const { name, value, dataset } of form.querySelectorAll('input[data-in]')) {
    if (dataset.in === 'path') path = path.replaceAll(`{${name}}`, () => encodeURIComponent(value));
    else if (value !== '') query.set(name, value);
  }
  return query.size > 0 ? `${path}?${query}` : path;
}

async function headersOf(form) {
  const headers = { 'content-type': 'application/json' };
  if (form.elements['synchronizer-token'].checked) {
    headers['x-csrf-token'] = await synchronizerToken();
  }
  return headers;
}

// The server is asked each time, so that no token of a session that has ended is ever sent: it
// would be refused where a visitor's is expected, as at sign-in.
async function synchronizerToken() {
  const answer = await fetch(`${mount}/api/session`, { cache: 'no-store' });
  return answer.ok ? (await answer.json()).csrfToken : visitorToken;
}

function show(form, answer, text) {
  const outcome = form.querySelector('.outcome');
  outcome.textContent = `${answer.status} ${answer.statusText}`;
  outcome.classList.toggle('refused', !answer.ok);
  const headers = HEADERS.filter((name) => answer.headers.has(name)).flatMap((name) => {
    const entry = document.createElement('div');
    entry.append(element('dt', name), element('dd', answer.headers.get(name)));
    return [entry];
  });
  const list = form.querySelector('.headers');
  list.replaceChildren(...headers);
  list.hidden = headers.length === 0;
  const body = form.querySelector('.answer');
  body.firstElementChild.textContent = pretty(text);
  body.hidden = text === '';
}

function showNothing(form) {
  const outcome = form.querySelector('.outcome');
  outcome.textContent = 'No answer. Is the server running?';
  outcome.classList.add('refused');
  form.querySelector('.headers').hidden = true;
  form.querySelector('.answer').hidden = true;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
