// The rules that every file of this repository keeps, each with what to do instead. The first part
// are patterns that may not stand somewhere; the second part is about structure.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

interface Rule {
  name: string;
  instead: string;
  /** The files that the rule is for, as a pattern on their paths. */
  where: RegExp;
  except?: RegExp;
  pattern: RegExp;
  /** A line that breaks the rule: a pattern that finds nothing would look like order. */
  example: string;
  inComments?: true;
}

const judgements = /^src\/(core|http|pages|db|audit)\//;
const product = /^src\//;
const everything = /^(src|test|scripts|bench|examples)\//;
const thisFile = /^test\/tidy\.test\.ts$/;

const rules: Rule[] = [
  {
    name: 'SQL text stands only in src/db',
    instead: "add a function to the table's file in src/db and call that",
    where: product,
    except: /^src\/(db|audit)\//,
    pattern:
      /['"`]\s*(select\s[^'"`]*\sfrom\s|select\s+[\w.]+\(|insert\s+into\s|update\s+[\w."]+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\(|(create|alter|drop)\s+(table|role|policy|function|schema|index|view|type|database)\s|set\s+(role|local|session)\s|(begin|commit|rollback)['"`])/i,
    example: 'const statement = `\n  SELECT id\n  FROM sallyport.sessions`;',
  },
  {
    name: 'statements are built only in src/db',
    instead: "add a function to the table's file in src/db and call that",
    where: product,
    except: /^src\/(db|audit)\//,
    pattern:
      /\.(selectFrom|insertInto|updateTable|deleteFrom)\(|import\s[^;]*\bsql\b[^;]*from 'kysely'|\bfrom '(pg|@electric-sql\/pglite)'/,
    example: "import { type Kysely, sql } from 'kysely';",
  },
  {
    name: 'the environment is read in one place per command',
    instead: 'read it in src/server/config.ts (or src/gateway/config.ts) and pass the value on',
    where: product,
    except: /^src\/(cli|audit-cli|server\/config|gateway\/config)\.ts$/,
    pattern: /\bprocess\.env\b/,
    example: "const port = process.env['SALLYPORT_PORT'];",
  },
  {
    name: 'the clock and chance come from outside',
    instead:
      "let the database's clock decide, or take the time as a parameter; for jitter randomInt",
    where: judgements,
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/,
    example: 'const now = Date.now();',
  },
  {
    name: 'only the command and the server print',
    instead: 'return a value or throw; in a request use its logger',
    where: product,
    except: /^src\/((audit-)?cli\.ts$|server\/)/,
    pattern: /\bconsole\.\w+\(/,
    example: "console.log('here');",
  },
  {
    // The auditor matches the patterns of a target where they can be stopped.
    name: 'no text becomes code, and no other program is started [ASVS 1.2.5] [ASVS 1.3.2]',
    instead: 'call the function, or parse the text',
    where: product,
    except: /^src\/audit\/values\.ts$/,
    pattern:
      /\beval\(|\bnew Function\(|\bset(Timeout|Interval)\('|\bfrom 'node:(vm|child_process)'/,
    example: "import { exec } from 'node:child_process';",
  },
  {
    // Lists of compromised passwords are asked by SHA-1; the auditor makes the weak keys that it
    // tries.
    name: 'digests are SHA-256, ciphers AES-256-GCM, keys Ed25519 [ASVS 11.3.1] [ASVS 11.3.2] [ASVS 11.4.1] [ASVS 11.4.3] [ASVS 11.6.1]',
    instead: 'use these, or say in decisions/ why not',
    where: product,
    except: /^src\/(audit\/|core\/compromised-passwords\.ts$)/,
    pattern:
      /\b(create(Hash|Hmac|Cipheriv|Decipheriv)|hash|hkdf(Sync)?|generateKeyPair(Sync)?)\(\s*(?!'(sha256|aes-256-gcm|ed25519)')['"`]/,
    example: "createHash('md5')",
  },
  {
    name: 'the framework is known only to src/fastify, src/server and src/gateway',
    instead: 'take plain values; the route translates',
    where: judgements,
    pattern: /\bfrom '(fastify|@fastify\/[\w-]+)'/,
    example: "import type { FastifyRequest } from 'fastify';",
  },
  {
    // The start-up check asks whether CockroachDB's console is open: that is the inside. Scripts of
    // pages run in a browser, and the verifier of assertions beside the gateway whose keys it asks.
    name: 'requests leave the house through src/outbound only',
    instead: 'take an Outbound as a parameter and call its fetch',
    where: product,
    except:
      /^src\/(outbound|audit|gateway|pages\/assets)\/|^src\/(db\/checks\/console|assertion\/key-set)\.ts$/,
    pattern:
      /(?<![.\w])fetch\(|globalThis\.fetch|\bimport\s*\{[^}]*\b(request|get|Agent)\b[^}]*\}\s*from 'node:https?'|\bfrom '(undici|node:(http2|tls|dns|dgram)(\/\w+)?)'/,
    example: "import { request } from 'undici';",
  },
  {
    name: 'no work is left behind in a comment',
    instead: 'do it, or open an issue',
    where: everything,
    except: thisFile,
    pattern: /(\/\/|\*).*\b(TODO|FIXME|XXX|HACK)\b/,
    example: '// TODO: later',
    inComments: true,
  },
  {
    name: 'the compiler is not silenced',
    instead: 'parse unknown values into a type, or write a type guard',
    where: everything,
    except: thisFile,
    pattern: /@ts-(ignore|expect-error|nocheck)|\bas any\b/,
    example: 'const row = answer as any;',
    inComments: true,
  },
  {
    name: 'every test runs',
    instead: 'repair or remove it; where it cannot run, call skip(reason) inside of it',
    where: /^test\//,
    except: thisFile,
    pattern: /\b(test|it|describe)\.(only|skip|todo|fails)\b|\.skip\(\s*\)/,
    example: "test.skip('sometime', () => {});",
  },
  {
    name: 'source is ASCII (and the section sign): other characters can look like what they are not',
    instead: 'write the character as an escape (\\u2026); texts for people stand in src/pages',
    where: /^(src|scripts)\//,
    except: /^src\/pages\/((english|texts)\.ts$|german)/,
    pattern: /[^\n\r\t -~\u00A7]/,
    example: 'const isAdmin\u200B = true;',
    inComments: true,
  },
];

/** Which folders of src each folder may import from, beside itself. */
const arrows: Record<string, string[]> = {
  db: [],
  http: [],
  pages: [],
  audit: [],
  outbound: [],
  assertion: [],
  core: ['db', 'outbound'],
  fastify: ['pages', 'http', 'core', 'db', 'outbound'],
  gateway: ['server', 'fastify', 'assertion', 'core', 'db', 'http', 'outbound'],
  server: ['fastify', 'core', 'db', 'pages', 'http', 'outbound'],
  'index.ts': ['server', 'fastify', 'core', 'db', 'pages', 'http'],
  'fastify.ts': ['server', 'fastify', 'core', 'db', 'pages', 'http'],
  'outbound.ts': ['outbound'],
  'testing.ts': ['server', 'fastify', 'core', 'db', 'http'],
  'audit.ts': ['audit'],
  'assertion.ts': ['assertion'],
  'audit-cli.ts': ['audit', 'server'],
  'cli.ts': ['audit-cli.ts', 'server', 'gateway', 'core', 'db'],
  'bin.ts': ['cli.ts', 'audit-cli.ts', 'node-version.ts'],
  'node-version.ts': [],
};

/** Words that say nothing or say it wrongly, in names of files and exports, and what to write. */
const words: Record<string, string> = {
  auth: 'authentication or authorization',
  authn: 'authentication',
  authz: 'authorization',
  login: 'sign in',
  logon: 'sign in',
  logout: 'sign out',
  whitelist: 'allowlist',
  blacklist: 'denylist',
  master: 'primary',
  xsrf: 'synchronizer token or origin check',
  validate: 'parse, verify or check',
  validator: 'parse, verify or check',
  sanitize: 'parse or escape',
  middleware: 'hook',
  manager: 'the noun itself',
  helper: 'the noun itself',
  helpers: 'the noun itself',
  util: 'the noun itself',
  utils: 'the noun itself',
  misc: 'the noun itself',
  common: 'the noun itself',
  ctx: 'the noun itself',
  org: 'tenant',
  workspace: 'tenant',
  admin: 'a role or a permission',
};

const files = ['src', 'test', 'scripts', 'bench', 'examples']
  .filter(existsSync)
  .flatMap(filesUnder);
const textOf = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));

describe('no file contains what stands elsewhere or nowhere', () => {
  test.each(rules)('$name', (rule) => {
    const offences = files
      .filter((file) => rule.where.test(file) && !rule.except?.test(file))
      .flatMap((file) => find(rule, textOf.get(file) ?? '').map((line) => `${file}:${line}`));
    expect(offences, `${rule.name}. Instead: ${rule.instead}`).toEqual([]);
  });

  test.each(rules)('the pattern finds its example: $name', (rule) => {
    expect(find(rule, `// A line above.\n${rule.example}\n`)).toEqual([2]);
  });
});

describe('structure', () => {
  const sources = files.filter((file) => file.startsWith('src/'));

  test('only public entries stand in src itself; everything else is in a folder with arrows', () => {
    const strangers = sources.map(roomOf).filter((room) => !(room in arrows));
    const advice = 'Put the file into one of the folders of ARCHITECTURE.md.';
    expect([...new Set(strangers)], advice).toEqual([]);
  });

  test('imports follow the arrows', () => {
    const wrong = sources.flatMap((file) => {
      const from = roomOf(file);
      return importsOf(file)
        .filter((to) => to !== from && !arrows[from]?.includes(to))
        .map((to) => `${file} imports from ${to}`);
    });
    const advice = 'Move the code to where both may import it, or pass it as a parameter.';
    expect(wrong, advice).toEqual([]);
  });

  // Exempt: tests, because a table of cases is read row by row and gets no clearer in two files,
  // and migrations, because they are lists that nobody may change afterwards.
  test('no file is longer than 300 lines', () => {
    const long = files
      .filter((file) => !/^(test|src\/db\/migrations)\//.test(file) && linesOf(file).length > 301)
      .map((file) => `${file}: ${linesOf(file).length - 1} lines`);
    expect(long, 'Find the second thought in it and give that a file of its own.').toEqual([]);
  });

  // The formatter wraps code and leaves comments to us. Text in quotes (SQL, messages, fixtures)
  // may be longer: broken into pieces it could no longer be searched for.
  test('no comment reaches beyond 100 columns', () => {
    const wide = files.flatMap((file) =>
      linesOf(file).flatMap((line, index) =>
        line.length > 100 && /^\s*\/?\*|(^|\s)\/\/\s/.test(line) ? [`${file}:${index + 1}`] : [],
      ),
    );
    expect(wide, 'Wrap the comment.').toEqual([]);
  });

  test('names keep to the glossary', () => {
    const named = sources.flatMap((file) => {
      const exported = /^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm;
      const exports = [...(textOf.get(file) ?? '').matchAll(exported)].map(([, name = '']) => name);
      const base =
        file
          .split('/')
          .at(-1)
          ?.replace(/\.\w+$/, '') ?? '';
      return [base, ...exports].flatMap((name) =>
        wordsOf(name)
          .filter((word) => Object.hasOwn(words, word))
          .map((word) => `${file}: ${name} (instead of "${word}": ${words[word]})`),
      );
    });
    expect(named, 'See docs/glossary.md for the words to use.').toEqual([]);
  });
});

/** The numbers of the lines where the rule is broken. */
function find({ pattern, inComments }: Rule, text: string): number[] {
  const searched = inComments ? text : withoutComments(text);
  const all = new RegExp(pattern.source, `${pattern.flags}g`);
  return [...searched.matchAll(all)].map(
    ({ index }) => searched.slice(0, index).split('\n').length,
  );
}

/** Comments become blanks, so that lines keep their numbers. Only those after a blank count. */
function withoutComments(text: string): string {
  const comment = /(?<=^|\s)(\/\*[\s\S]*?\*\/|\/\/.*)/g;
  return text.replaceAll(comment, (found) => found.replaceAll(/[^\n]/g, ' '));
}

/** The folder of src that a file is in, or its name where it stands in src itself. */
function roomOf(file: string): string {
  return file.split('/')[1] ?? '';
}

function importsOf(file: string): string[] {
  const imported = /(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g;
  return [...(textOf.get(file) ?? '').matchAll(imported)].map(([, path = '']) =>
    roomOf(join(dirname(file), path).replaceAll('\\', '/')),
  );
}

function linesOf(file: string): string[] {
  return (textOf.get(file) ?? '').split('\n');
}

/** signInPage and sign-in-page are the words sign, in, page. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split('-');
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    // What is installed is not ours: bench/peers has other people's libraries.
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return filesUnder(path);
    return /\.(ts|tsx|mjs)$/.test(entry.name) ? [path] : [];
  });
}
