/*
 * Asks the browser for a passkey, or to make one, and sends what it answers with the form that the
 * page has for it. Without this script the page says what to do instead. WebAuthn Level 3, 5.1.
 */

/** @param {string} text */
function fromBase64Url(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

/** @param {ArrayBuffer | null | undefined} buffer */
function toBase64Url(buffer) {
  if (!buffer) return undefined;
  const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @param {{ id: string }[] | undefined} credentials */
function withBytes(credentials = []) {
  return credentials.map((credential) => ({ ...credential, id: fromBase64Url(credential.id) }));
}

/**
 * @param {string} kind
 * @param {any} options as the server wrote them
 * @param {object} more
 */
async function ask(kind, options, more) {
  const challenge = fromBase64Url(options.challenge);
  if (kind === 'get') {
    const allowCredentials = withBytes(options.allowCredentials);
    const publicKey = { ...options, challenge, allowCredentials };
    return await navigator.credentials.get({ publicKey, ...more });
  }
  const user = { ...options.user, id: fromBase64Url(options.user.id) };
  const excludeCredentials = withBytes(options.excludeCredentials);
  const publicKey = { ...options, challenge, user, excludeCredentials };
  return await navigator.credentials.create({ publicKey, ...more });
}

/** What the browser has answered, as JSON. @param {any} credential */
function serialise(credential) {
  const { response } = credential;
  return JSON.stringify({
    id: credential.id,
    rawId: toBase64Url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: toBase64Url(response.clientDataJSON),
      attestationObject: toBase64Url(response.attestationObject),
      authenticatorData: toBase64Url(response.authenticatorData),
      signature: toBase64Url(response.signature),
      userHandle: toBase64Url(response.userHandle),
      transports: response.getTransports?.(),
    },
  });
}

/** @param {HTMLFormElement} form */
function prepare(form) {
  const { passkey: kind = 'get', options = '{}', conditional } = form.dataset;
  const field = form.elements.namedItem('passkey');
  const button = form.querySelector('button');
  const instead = form.querySelector('[data-instead]');
  const failed = form.querySelector('[data-failed]');
  if (!(field instanceof HTMLInputElement) || !button) return;
  /** The request that waits in the address field for somebody to choose a passkey there. */
  let waiting = new AbortController();

  /** @param {object} more */
  const run = async (more) => {
    field.value = serialise(await ask(kind, JSON.parse(options), more));
    form.submit();
  };

  instead?.setAttribute('hidden', '');
  button.hidden = false;
  button.addEventListener('click', () => form.requestSubmit());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    waiting.abort();
    failed?.setAttribute('hidden', '');
    run({}).catch(() => failed?.removeAttribute('hidden'));
  });

  const offer = async () => {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    waiting = new AbortController();
    await run({ mediation: 'conditional', signal: waiting.signal });
  };
  // Nobody has asked for it, so nobody is told that it was not answered.
  if (conditional !== undefined) offer().catch(() => {});
}

if ('PublicKeyCredential' in window) {
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    if (form instanceof HTMLFormElement) prepare(form);
  }
}
