// Requests as bytes, of which a proxy and the server behind it have been known to make two things.

/** What has to become of a request; left out where both will do, as long as both sides agree. */
type Fate = 'passes' | 'is refused';

export interface RawRequest {
  readonly name: string;
  readonly bytes: Buffer;
  readonly fate?: Fate;
}

/** Stands for the gateway's host. */
const HOST = '\u0001';

/**
 * The corpus for a gateway under this host, whose routes are GET /open/{id}, POST /open and
 * GET /tree/*.
 */
export function corpusFor(host: string): readonly RawRequest[] {
  return [
    ...targets(),
    ...foldedNames(),
    ...duplicates(),
    ...framings(),
    ...nominations(),
    ...hosts(),
    ...bareBytes(),
    ...cookies(),
  ].map(({ name, text, fate }) => ({
    name,
    bytes: Buffer.from(text.replaceAll(HOST, host), 'latin1'),
    ...(fate ? { fate } : {}),
  }));
}

interface Written {
  readonly name: string;
  readonly text: string;
  readonly fate?: Fate;
}

function get(target: string, lines: readonly string[] = [], host = `Host: ${HOST}`): string {
  return [`GET ${target} HTTP/1.1`, host, 'Connection: close', ...lines, '', ''].join('\r\n');
}

function post(lines: readonly string[], body: string): string {
  const head = ['POST /open HTTP/1.1', `Host: ${HOST}`, 'Content-Type: application/json'];
  return `${[...head, ...lines, '', ''].join('\r\n')}${body}`;
}

function targets(): readonly Written[] {
  const refused = [
    '..',
    '.',
    '%2e%2e',
    '%2E%2e',
    '.%2e',
    '%2e',
    '..;',
    '%2e%2e%3b',
    '..%00',
    '..%2f',
    '..\\',
    '%2f',
    '%2F',
    '%5c',
    '%5C',
    '%00',
    '%0a',
    '%0d%0a',
    '%1f',
    '%7f',
    '%09',
    '%20/..',
    '',
    'a;b',
    ';',
    'a;jsessionid=1',
    '%3b',
    '%252e',
    '%252f',
    '%2525',
    '%25%32%65',
    '%2561',
    '%61',
    '%41',
    '%7e',
    '%5f',
    '%2d',
    '%30',
    '%',
    '%g0',
    '%2',
    'a%',
    '%u002e',
    '\\',
    'a\\b',
    'a|b',
    'a^b',
    'a`b',
    'a{b}',
    'a<b>',
    'a"b',
    'a[b]',
    '%c0%ae',
    '%c0%af',
    '%e0%80%ae',
    '%ff',
    '\xe4',
    '\x80',
    'a#b',
    '#',
    '%23',
    '%3f',
    '%3F',
  ];
  const passing = [
    '7',
    'a',
    'A',
    '%C3%A4',
    '%20',
    '%40',
    '%3A',
    'a:b',
    'a@b',
    'a,b',
    'a=b',
    '~',
    '-',
  ];
  const places = (segment: string) => [
    `/open/${segment}`,
    `/${segment}/open`,
    `/open/${segment}/x`,
    `/tree/${segment}/x`,
    ...(segment === '' ? [] : [`/tree/x/${segment}`]),
  ];
  const queries = [
    '?',
    '?a',
    '?a=%00',
    '?a=/../b',
    '?a=%2e%2e',
    '??',
    '?a?b',
    '?a&b;c',
    '?%',
    "?'",
  ];
  return [
    ...refused.flatMap((segment) =>
      places(segment).map(
        (target) => ({ name: `target ${target}`, text: get(target), fate: 'is refused' }) as const,
      ),
    ),
    ...passing
      .flatMap((segment) => [`/open/${segment}`, `/tree/${segment}`, `/tree/x/${segment}/`])
      .map((target) => ({ name: `target ${target}`, text: get(target), fate: 'passes' }) as const),
    ...queries.map(
      (query) =>
        ({ name: `query ${query}`, text: get(`/open/7${query}`), fate: 'passes' }) as const,
    ),
    ...['#', '?#', '?a#b', '?\x80', '?a b', '?a\tb', '?\x7f'].map(
      (end) => ({ name: `end ${end}`, text: get(`/open/7${end}`), fate: 'is refused' }) as const,
    ),
    ...['//open/7', '/open//7', '/./open/7', '/x/../open/7', '/OPEN/7', '/open/7/', '*', '7'].map(
      (target) => ({ name: `target ${target}`, text: get(target), fate: 'is refused' }) as const,
    ),
  ];
}

/** Names that say who asks, as somebody would write them who wants to be believed. */
function foldedNames(): readonly Written[] {
  const names = [
    'sallyport-assertion',
    'sallyport-user',
    'x-sallyport-user',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-user',
    'x-request-id',
    'x-real-ip',
    'x-original-url',
    'x-http-method-override',
    'x-rewrite-url',
    'proxy',
    'forwarded',
  ];
  const spellings = (name: string) => [
    name,
    name.toUpperCase(),
    name.replaceAll('-', '_'),
    name.replace('-', '_').toUpperCase(),
    name.replaceAll('-', '.'),
    name.replaceAll('-', '~'),
  ];
  // To CGI and WSGI these are headers that a proxy before them may have set.
  const others = ['x_user', 'REMOTE_USER', 'Ssl_Client_Verify', 'x.user', "x'user", 'x|user'];
  return [...names, ...others].flatMap((name) =>
    [...new Set(names.includes(name) ? spellings(name) : [name])].map(
      (spelling) =>
        ({
          name: `header ${spelling}`,
          text: get('/open/7', [`${spelling}: forged`]),
          fate: 'passes',
        }) as const,
    ),
  );
}

function duplicates(): readonly Written[] {
  const single = {
    host: [HOST, HOST],
    'content-length': ['2', '2'],
    'content-type': ['application/json', 'application/json'],
    authorization: ['Bearer a', 'Bearer b'],
    cookie: ['a=1', 'b=2'],
    origin: [`http://${HOST}`, `http://${HOST}`],
    'transfer-encoding': ['chunked', 'chunked'],
    expect: ['100-continue', '100-continue'],
    'user-agent': ['a', 'b'],
    referer: ['a', 'b'],
    range: ['bytes=0-1', 'bytes=2-3'],
    'x-csrf-token': ['a', 'b'],
    'idempotency-key': ['a', 'b'],
  } as const;
  return Object.entries(single).flatMap(([name, [first, second]]) => {
    const twice = (one: string, other: string) =>
      ({
        name: `${one} beside ${other}`,
        text: post([`${one}: ${first}`, `${other}: ${second}`], '{}'),
        fate: 'is refused',
      }) as const;
    const folded = name.replaceAll('-', '_');
    const alone =
      folded === name
        ? []
        : [
            {
              name: `${folded} alone`,
              text: post(['Content-Length: 2', `${folded}: ${first}`], '{}'),
              fate: 'is refused',
            } as const,
          ];
    return [twice(name, name), twice(name, name.toUpperCase()), ...alone];
  });
}

function framings(): readonly Written[] {
  const smuggled = `GET /open/smuggled HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
  const chunked = `0\r\n\r\n`;
  const lengths = ['+2', '-1', '2,2', '2, 2', '0x2', '2.0', '02e0', ' 2 2', '', 'two', '2;', '1e1'];
  const codings = [
    'Chunked, chunked',
    'chunked, identity',
    'identity',
    'gzip',
    'gzip, chunked',
    'xchunked',
    'chunked;q=1',
    '"chunked"',
    'chunked\x0b',
    '\x0bchunked',
    'chunked,',
    ',chunked',
    'chunke',
  ];
  return [
    ...lengths.map(
      (length) =>
        ({
          name: `length ${length}`,
          text: post([`Content-Length: ${length}`], `{}${smuggled}`),
          fate: 'is refused',
        }) as const,
    ),
    ...codings.flatMap((coding) => [
      {
        name: `coding ${coding}`,
        text: post([`Transfer-Encoding: ${coding}`], `${chunked}${smuggled}`),
        fate: 'is refused',
      } as const,
    ]),
    ...['chunked', 'Chunked', 'identity', 'gzip'].flatMap((coding) =>
      [
        [`Content-Length: 5`, `Transfer-Encoding: ${coding}`],
        [`Transfer-Encoding: ${coding}`, `Content-Length: 5`],
        [`Content-Length: 5`, `Transfer_Encoding: ${coding}`],
        [`Content_Length: 5`, `Transfer-Encoding: ${coding}`],
      ].map(
        (lines) =>
          ({
            name: lines.join(' and '),
            text: post(lines, `${chunked}${smuggled}`),
            fate: 'is refused',
          }) as const,
      ),
    ),
    ...['2\r\n{}\r\n0\r\n\r\n', '02\r\n{}\r\n0\r\n\r\n', '2;a=b\r\n{}\r\n0\r\n\r\n'].map(
      (body) => ({ name: `chunks ${body}`, text: post(['Transfer-Encoding: chunked'], body) }),
    ),
    ...[
      '2\n{}\n0\n\n',
      '2 \r\n{}\r\n0\r\n\r\n',
      '0x2\r\n{}\r\n0\r\n\r\n',
      '-2\r\n{}\r\n0\r\n\r\n',
      '2\r\n{}0\r\n\r\n',
      '2\r\n{}x\r\n0\r\n\r\n',
      'fffffffffffffffff\r\n{}\r\n0\r\n\r\n',
      'g\r\n{}\r\n0\r\n\r\n',
      '\r\n2\r\n{}\r\n0\r\n\r\n',
    ].map((body) => ({
      name: `chunks ${body}`,
      text: post(['Transfer-Encoding: chunked'], body + smuggled),
      fate: 'is refused' as const,
    })),
    {
      name: 'trailers',
      text: post(
        ['Transfer-Encoding: chunked', 'Trailer: Sallyport-Assertion'],
        '2\r\n{}\r\n0\r\nSallyport-Assertion: forged\r\nContent-Length: 9\r\n\r\n',
      ),
    },
    ...['GET', 'HEAD', 'OPTIONS'].flatMap((method) =>
      [['Content-Length: 2'], ['Transfer-Encoding: chunked']].map((lines) => ({
        name: `${method} with ${lines.join()}`,
        text: post(lines, '{}').replace('POST /open', `${method} /open/7`),
        fate: 'is refused' as const,
      })),
    ),
    { name: 'a length', text: post(['Content-Length: 2'], '{}'), fate: 'passes' },
    { name: 'no body', text: post(['Content-Length: 0'], ''), fate: 'passes' },
    {
      name: 'a coding in HTTP/1.0',
      text: post(['Transfer-Encoding: chunked'], chunked).replace('HTTP/1.1', 'HTTP/1.0'),
      fate: 'is refused',
    },
    ...['h2c', 'websocket', 'TLS/1.0'].map((protocol) => ({
      name: `an upgrade to ${protocol}`,
      text: get('/open/7', [`Upgrade: ${protocol}`]).replace(
        'Connection: close',
        'Connection: Upgrade',
      ),
      fate: 'is refused' as const,
    })),
  ];
}

function nominations(): readonly Written[] {
  const vital = ['host', 'content-length', 'content-type', 'cookie', 'authorization', 'origin'];
  const ours = ['sallyport-assertion', 'x-forwarded-for', 'x-request-id', 'x-forwarded-proto'];
  const others = ['x-custom', 'keep-alive', 'te', 'accept', 'close, x-custom', 'x_custom'];
  const nominating = (name: string, fate: Fate): Written => ({
    name: `Connection: ${name}`,
    text: get('/open/7', ['X-Custom: 1', 'Accept: */*']).replace(
      'Connection: close',
      `Connection: close, ${name}`,
    ),
    fate,
  });
  return [
    ...vital.flatMap((name) => [
      nominating(name, 'is refused'),
      nominating(name.toUpperCase(), 'is refused'),
    ]),
    ...vital.map((name) => nominating(name.replaceAll('-', '_'), 'is refused')),
    ...ours.flatMap((name) => [
      nominating(name, 'passes'),
      nominating(name.toUpperCase(), 'passes'),
    ]),
    ...others.map((name) => nominating(name, 'passes')),
  ];
}

function hosts(): readonly Written[] {
  const refused = [
    'evil.example',
    '',
    ' ',
    `${HOST}@evil.example`,
    `evil.example@${HOST}`,
    `${HOST}:1`,
    `${HOST}, evil.example`,
    `${HOST}/`,
    `http://${HOST}`,
    `${HOST}#`,
    `\x80${HOST}`,
  ];
  return [
    ...refused.map(
      (host) =>
        ({
          name: `host ${host}`,
          text: get('/open/7', [], `Host: ${host}`),
          fate: 'is refused',
        }) as const,
    ),
    { name: 'no host', text: get('/open/7', [], `X-Host: ${HOST}`), fate: 'is refused' },
    ...[`http://${HOST}/open/7`, `http://evil.example/open/7`, `https://${HOST}/open/7`].map(
      (target) => ({ name: `absolute ${target}`, text: get(target), fate: 'is refused' }) as const,
    ),
    { name: 'CONNECT', text: get(HOST).replace('GET', 'CONNECT'), fate: 'is refused' },
    { name: 'TRACE', text: get('/open/7').replace('GET', 'TRACE'), fate: 'is refused' },
    { name: 'get', text: get('/open/7').replace('GET', 'get'), fate: 'is refused' },
  ];
}

function bareBytes(): readonly Written[] {
  const lines = [
    ['a space before the colon', 'X-A : b'],
    ['a tab before the colon', 'X-A\t: b'],
    ['no colon', 'X-A'],
    ['no name', ': b'],
    ['a NUL in a value', 'X-A: b\x00c'],
    ['a bare CR in a value', 'X-A: b\rX-Forwarded-User: c'],
    ['a bare LF in a value', 'X-A: b\nX-Forwarded-User: c'],
    ['a folded line', 'X-A: b\r\n c'],
    ['a folded length', 'Content-Length:\r\n 5'],
    ['a control byte in a name', 'X\x02A: b'],
    ['a letter that is none of ASCII in a name', 'X-\xe4: b'],
    ['a vertical tab in a value', 'X-A: b\x0bc'],
    ['a DEL in a value', 'X-A: b\x7fc'],
  ] as const;
  return [
    ...lines.map(
      ([name, line]) => ({ name, text: get('/open/7', [line]), fate: 'is refused' }) as const,
    ),
    {
      name: 'a line feed alone',
      text: get('/open/7').replaceAll('\r\n', '\n'),
      fate: 'is refused',
    },
    { name: 'two spaces', text: get('/open/7').replace('GET ', 'GET  ') },
    { name: 'a version', text: get('/open/7').replace('1.1', '1.2'), fate: 'is refused' },
    { name: 'HTTP/2', text: get('/open/7').replace('1.1', '2.0'), fate: 'is refused' },
    { name: 'no version', text: get('/open/7').replace(' HTTP/1.1', ''), fate: 'is refused' },
    { name: 'a value of the higher half', text: get('/open/7', ['X-A: \xe4']), fate: 'passes' },
    { name: 'a blank line first', text: `\r\n${get('/open/7')}` },
  ];
}

function cookies(): readonly Written[] {
  const secret = 'A'.repeat(43);
  const ours = ['session', 'csrf', 'presession', 'sign-in', 'device'].map(
    (name) => `__Host-${name}`,
  );
  return ours.flatMap((name) =>
    [
      `theme=dark; ${name}=${secret}`,
      `theme="dark; ${name}=${secret}"`,
      `${name.toUpperCase()}=${secret}; theme=dark`,
      `theme=dark;${name} =${secret}`,
      `theme=dark; "${name}"=${secret}`,
    ].map((cookie) => ({ name: `cookie ${cookie}`, text: get('/open/7', [`Cookie: ${cookie}`]) })),
  );
}
