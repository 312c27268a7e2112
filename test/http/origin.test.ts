import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type OriginPolicy,
  checkOrigin,
  checkVisitorOrigin,
  parseOrigin,
} from '../../src/http/origin.ts';
import { postWith } from './heads.ts';

const policy: OriginPolicy = {
  origin: 'https://app.example',
  trustedOrigins: ['https://partner.example'],
};
const own = 'https://app.example';
const trusted = 'https://partner.example';
const evil = 'https://evil.example';

/** The verdict on a POST with one of our cookies. */
function verdict(site: string | null, origin: string | null, referer: string | null = null) {
  return checkOrigin(claiming(site, origin, referer), policy);
}

/** The verdict on a POST of the same headers, but without our cookies. */
function visitorVerdict(site: string | null, origin: string | null, referer: string | null = null) {
  return checkVisitorOrigin(claiming(site, origin, referer), policy);
}

function claiming(site: string | null, origin: string | null, referer: string | null) {
  return postWith({
    ...(site !== null && { 'Sec-Fetch-Site': site }),
    ...(origin !== null && { Origin: origin }),
    ...(referer !== null && { Referer: referer }),
  });
}

describe('checkOrigin, with fetch metadata', () => {
  test('passes what our own page sends', () => {
    expect(verdict('same-origin', own)).toBeNull();
    expect(verdict('same-origin', own, `${own}/members?page=2`)).toBeNull();
    expect(verdict('same-origin', null)).toBeNull();
    expect(verdict('same-origin', null, `${own}/members`)).toBeNull();
  });

  // On https://evil.example:
  //   <form action="https://app.example/members" method="post" enctype="text/plain">
  test('refuses cross-site, a form on another site [CWE-352]', () => {
    expect(verdict('cross-site', evil)).toBe('cross-site');
    expect(verdict('cross-site', null)).toBe('cross-site');
  });

  // On https://evil.app.example, a subdomain that was given away or taken over:
  //   fetch('https://app.example/members', { method: 'POST', credentials: 'include' })
  test('refuses same-site: subdomains are not trusted [CWE-352]', () => {
    expect(verdict('same-site', 'https://evil.app.example')).toBe('same-site');
    expect(verdict('same-site', null)).toBe('same-site');
  });

  test('refuses none: nobody types a POST into the address bar', () => {
    expect(verdict('none', null)).toBe('user-initiated');
    expect(verdict('none', own)).toBe('user-initiated');
    expect(verdict('none', trusted)).toBe('user-initiated');
  });

  test.each(['', 'Same-Origin', 'same-origin;v=1', 'same-origin, cross-site', 'same-app'])(
    'refuses the value %j, which the standard does not know',
    (site) => {
      expect(verdict(site, own)).toBe('unknown-fetch-site');
      expect(verdict(site, trusted)).toBe('unknown-fetch-site');
    },
  );

  test('refuses same-origin beside an Origin that says otherwise: they disagree', () => {
    expect(verdict('same-origin', evil)).toBe('foreign-origin');
    expect(verdict('same-origin', 'http://app.example')).toBe('foreign-origin');
    expect(verdict('same-origin', 'null')).toBe('null-origin');
    expect(verdict('same-origin', trusted)).toBe('foreign-origin');
  });

  test('refuses same-origin beside a Referer that says otherwise, with no Origin to ask', () => {
    expect(verdict('same-origin', null, `${evil}/`)).toBe('foreign-referer');
    expect(verdict('same-origin', null, `${trusted}/`)).toBe('foreign-referer');
    expect(verdict('same-origin', null, 'nonsense')).toBe('malformed-referer');
  });

  test('refuses cross-site even beside our own Origin: they disagree', () => {
    expect(verdict('cross-site', own, `${own}/`)).toBe('cross-site');
    expect(verdict('same-site', own, `${own}/`)).toBe('same-site');
  });
});

describe('checkOrigin, without fetch metadata', () => {
  test('passes our own Origin', () => {
    expect(verdict(null, own)).toBeNull();
    expect(verdict(null, own, `${evil}/`)).toBeNull();
  });

  test('refuses another Origin, whatever the Referer says [CWE-352]', () => {
    expect(verdict(null, evil)).toBe('foreign-origin');
    expect(verdict(null, evil, `${own}/`)).toBe('foreign-origin');
  });

  // <iframe sandbox="allow-forms allow-scripts" srcdoc="<form method=post action=https://app…>">
  test('refuses Origin: null, a sandboxed iframe [R-05] [CWE-352]', () => {
    expect(verdict(null, 'null')).toBe('null-origin');
    expect(verdict(null, 'null', `${own}/`)).toBe('null-origin');
    expect(verdict('cross-site', 'null')).toBe('cross-site');
  });

  test('refuses Origin: null even if configuration were to name it [R-05]', () => {
    const broken = { origin: 'null', trustedOrigins: [] };
    expect(checkOrigin(postWith({ Origin: 'null' }), broken)).toBe('null-origin');
    const crossSite = postWith({ 'Sec-Fetch-Site': 'cross-site', Origin: 'null' });
    expect(checkOrigin(crossSite, { origin: own, trustedOrigins: ['null'] })).toBe('cross-site');
  });

  // A page that the network attacker serves as http://app.example, where no HSTS forbids it.
  test('refuses the same host under http: the scheme is part of the origin [R-08]', () => {
    expect(verdict(null, 'http://app.example')).toBe('foreign-origin');
    expect(verdict(null, null, 'http://app.example/')).toBe('foreign-referer');
  });

  test.each([
    'https://app.example:8443',
    'https://app.example:443',
    'https://app.example.',
    'https://app.example/',
    'https://APP.example',
    'https://app.example.evil.example',
    'https://evil-app.example',
    'https://app.example, https://evil.example',
    'https://app.example https://evil.example',
    '//app.example',
    'app.example',
    '*',
    '',
  ])('refuses the Origin %j: not ours byte for byte', (origin) => {
    expect(verdict(null, origin)).toBe('foreign-origin');
  });

  test('falls back to the Referer where there is no Origin', () => {
    expect(verdict(null, null, `${own}/members?next=https://evil.example`)).toBeNull();
    expect(verdict(null, null, `${own}/`)).toBeNull();
    expect(verdict(null, null, own)).toBeNull();
  });

  test.each([
    'https://evil.example/https://app.example/',
    'https://evil.example/?https://app.example/',
    'https://app.example.evil.example/',
    'https://app.example@evil.example/',
    'https://app.example:443@evil.example/',
    'https://app.example:8443/',
    'https://app.example\\@evil.example/',
    'https://app.example?x',
    'https://mallory@app.example/',
    'blob:https://app.example/4c1e9d0e',
    'data:text/html,https://app.example/',
    'about:client',
  ])('refuses the Referer %j', (referer) => {
    expect(verdict(null, null, referer)).toBe('foreign-referer');
  });

  test.each(['', '/members', 'app.example', 'https://', 'https://app.example:x/'])(
    'refuses the Referer %j, which is no URL',
    (referer) => {
      expect(verdict(null, null, referer)).toBe('malformed-referer');
    },
  );

  // <meta name="referrer" content="no-referrer"> on the attacker's page, in an old browser.
  test('refuses a request that says nothing about its origin [R-09] [R-12] [CWE-352]', () => {
    expect(verdict(null, null)).toBe('no-origin');
  });
});

describe('checkOrigin, for a trusted origin', () => {
  test('passes by its exact Origin', () => {
    expect(verdict('cross-site', trusted)).toBeNull();
    expect(verdict('same-site', trusted)).toBeNull();
    expect(verdict(null, trusted)).toBeNull();
  });

  test('never passes by its Referer', () => {
    expect(verdict('cross-site', null, `${trusted}/`)).toBe('cross-site');
    expect(verdict(null, null, `${trusted}/`)).toBe('foreign-referer');
  });

  test.each([
    'http://partner.example',
    'https://partner.example:8443',
    'https://x.partner.example',
    'https://partner.example.evil.example',
    'https://partner.example/',
  ])('does not extend to %j [R-08]', (origin) => {
    expect(verdict('cross-site', origin)).toBe('cross-site');
    expect(verdict(null, origin)).toBe('foreign-origin');
  });

  test('listing our own origin as trusted does not excuse a contradiction', () => {
    const both = { origin: own, trustedOrigins: [own] };
    expect(checkOrigin(claiming('cross-site', own, null), both)).toBe('cross-site');
  });
});

describe('checkOrigin, in general', () => {
  test.each([
    { 'Sec-Fetch-Site': ['same-origin', 'same-origin'], Origin: own },
    { 'Sec-Fetch-Site': ['same-origin', 'cross-site'], Origin: own },
    { 'Sec-Fetch-Site': 'same-origin', Origin: [own, own] },
    { Origin: [own, evil] },
    { Referer: [`${own}/`, `${evil}/`] },
    { Origin: own, Referer: [`${own}/`, `${own}/`] },
  ])('refuses a repeated header %j, even one that repeats itself [CWE-444]', (headers) => {
    expect(checkOrigin(postWith(headers), policy)).toBe('repeated-header');
    expect(checkVisitorOrigin(postWith(headers), policy)).toBe('repeated-header');
  });

  test.each(['application/json', 'APPLICATION/JSON', 'text/plain', 'multipart/form-data'])(
    'judges alike whatever the content type, here %s, and without one [R-04]',
    (type) => {
      const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: evil };
      expect(checkOrigin(postWith({ ...headers, 'Content-Type': type }), policy)).toBe(
        'cross-site',
      );
      expect(checkOrigin(postWith(headers), policy)).toBe('cross-site');
    },
  );

  test('does not ask Sec-Fetch-Mode, nor X-Forwarded-Host, nor Host [R-10]', () => {
    const head = postWith({
      Host: 'evil.example',
      Origin: evil,
      'Sec-Fetch-Mode': 'cors',
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'https',
    });
    expect(checkOrigin(head, policy)).toBe('foreign-origin');
  });
});

describe('checkVisitorOrigin', () => {
  test('passes a command-line client, which sends none of the headers', () => {
    const head = postWith({ Host: 'app.example', 'Content-Type': 'application/json' });
    expect(checkVisitorOrigin(head, policy)).toBeNull();
  });

  // On https://evil.example, to leave the victim signed in as the attacker:
  //   <form action="https://app.example/sign-in" method="post">
  //     <input name="email" value="mallory@evil.example"> <input name="password" value="…">
  test('refuses login CSRF by any header that the browser sent [CWE-352]', () => {
    expect(visitorVerdict('cross-site', evil)).toBe('cross-site');
    expect(visitorVerdict('cross-site', null)).toBe('cross-site');
    expect(visitorVerdict('none', null)).toBe('user-initiated');
    expect(visitorVerdict(null, evil)).toBe('foreign-origin');
    expect(visitorVerdict(null, 'null')).toBe('null-origin');
    expect(visitorVerdict(null, null, `${evil}/`)).toBe('foreign-referer');
    expect(visitorVerdict(null, null, '')).toBe('malformed-referer');
    expect(visitorVerdict('', null)).toBe('unknown-fetch-site');
    expect(visitorVerdict(null, '')).toBe('foreign-origin');
  });

  const header = fc.option(
    fc.constantFrom('', 'same-origin', 'cross-site', 'none', own, `${own}/`, evil, 'null', trusted),
  );

  test('differs from checkOrigin in one case only: nothing at all', () => {
    fc.assert(
      fc.property(header, header, header, (site, origin, referer) => {
        const visitor = visitorVerdict(site, origin, referer);
        const silent = site === null && origin === null && referer === null;
        expect(visitor).toBe(silent ? null : verdict(site, origin, referer));
      }),
    );
  });
});

describe('checkOrigin, for any input', () => {
  const near = fc.constantFrom(own, trusted, evil, 'null', 'https://', 'http://', '.', ':443', '@');
  const text = fc.oneof(
    fc.array(fc.oneof(near, fc.string({ maxLength: 3 })), { maxLength: 4 }).map((p) => p.join('')),
    fc.webUrl({ validSchemes: ['http', 'https'], withQueryParameters: true }),
  );
  const anySite = fc.option(
    fc.oneof(fc.constantFrom('same-origin', 'same-site', 'cross-site', 'none'), text),
  );

  test('passes no Origin but the configured and the trusted one', () => {
    fc.assert(
      fc.property(anySite, text, fc.option(text), (site, origin, referer) => {
        fc.pre(origin !== own && origin !== trusted);
        expect(verdict(site, origin, referer)).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test('passes no Referer alone that a browser would not count to our origin', () => {
    const referer = fc.oneof(
      text,
      fc.string({ unit: 'binary' }).map((end) => own + end),
    );
    fc.assert(
      fc.property(referer, (value) => {
        const refused = verdict(null, null, value) !== null;
        expect(refused || new URL(value).origin === own).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('passes no cross-site and no same-site request without the trusted Origin', () => {
    const site = fc.constantFrom('cross-site', 'same-site');
    fc.assert(
      fc.property(site, fc.option(text), fc.option(text), (value, origin, referer) => {
        fc.pre(origin !== trusted);
        expect(verdict(value, origin, referer)).toBe(value);
      }),
    );
  });
});

describe('parseOrigin', () => {
  test.each([
    'https://app.example',
    'https://app.example:8443',
    'https://xn--bcher-kva.example',
    'https://[2001:db8::1]:8443',
    'http://localhost:3000',
    'http://acme.localhost:3000',
    'http://127.0.0.1:3000',
    'http://127.9.9.9',
    'http://[::1]:3000',
  ])('takes %s as it is', (origin) => {
    expect(parseOrigin(origin)).toEqual({ origin });
  });

  test.each([
    ['', /is empty/],
    ['null', /"null"/],
    ['*', /"\*"/],
    ['https://*.example.com', /"\*"/],
    ['app.example', /no scheme/],
    ['//app.example', /no scheme/],
    ['app.example:443', /no scheme/],
    [' https://app.example', /no scheme/],
    ['https://', /not a URL/],
    ['https://app.example:x', /not a URL/],
    ['https://app.example:99999', /not a URL/],
    ['https://app example', /not a URL/],
    ['ftp://app.example', /other than https/],
    ['wss://app.example', /other than https/],
    ['https://mallory@app.example', /user name or a password/],
    ['https://:hunter2@app.example', /user name or a password/],
    ['https://app.example?a=1', /query/],
    ['https://app.example/?a=1', /query/],
    ['https://app.example#top', /fragment/],
    ['https://app.example/api', /path/],
    ['https://app.example.', /ends in a dot/],
    ['http://app.example', /plain http/],
    ['http://127.0.0.1.evil.example', /plain http/],
    ['http://localhost.evil.example', /plain http/],
    ['http://evillocalhost', /plain http/],
    ['http://10.0.0.1', /plain http/],
    ['http://[::2]', /plain http/],
  ])('says what is wrong with %j', (text, sentence) => {
    expect(parseOrigin(text)).toEqual({ problem: expect.stringMatching(sentence) });
  });

  test.each([
    ['https://app.example/', 'https://app.example'],
    ['https://app.example?', 'https://app.example'],
    ['https://app.example#', 'https://app.example'],
    ['HTTPS://App.Example', 'https://app.example'],
    ['https://app.example:443', 'https://app.example'],
    ['https://app.example:08443', 'https://app.example:8443'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['http://127.1:3000', 'http://127.0.0.1:3000'],
    ['https:///app.example', 'https://app.example'],
    ['https://app.exa\tmple', 'https://app.example'],
    ['https://app.example\n', 'https://app.example'],
  ])('corrects nothing: for %j it says to write %s', (text, exact) => {
    expect(parseOrigin(text)).toEqual({
      problem: `The origin is not in its exact form. Write it as ${exact}.`,
    });
  });

  test('never repeats a password in its sentence', () => {
    const result = parseOrigin('https://app:hunter2@app.example/');
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });

  test('whatever it takes is what a browser would send as Origin', () => {
    const piece = fc.constantFrom(
      'https://',
      'http://',
      'a',
      'localhost',
      '.',
      ':8',
      '/',
      '?',
      '@',
    );
    const text = fc.oneof(
      fc.webUrl(),
      fc.array(piece, { maxLength: 6 }).map((p) => p.join('')),
    );
    fc.assert(
      fc.property(text, (value) => {
        const result = parseOrigin(value);
        if ('problem' in result) return;
        expect(result.origin).toBe(value);
        expect(new URL(`${value}/path`).origin).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });
});
