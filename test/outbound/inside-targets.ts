// Ways to name what is inside: addresses in all their forms, names, and URLs that readers disagree
// on.

/** Addresses that no outbound request may reach, as their owners write them. */
export const INSIDE_ADDRESSES: readonly string[] = Object.values({
  'this host, loopback, private, link-local, shared (RFC 1122, 1918, 3927, 6598, 6890)': `
    0.0.0.0 0.1.2.3 127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 10.0.0.1 10.255.255.255 172.16.0.1
    172.31.255.255 192.168.0.1 192.168.255.1 100.64.0.1 100.127.255.255 169.254.0.1 169.254.255.254`,
  'cloud metadata: AWS and most others, its containers, Alibaba, Oracle, Scaleway, Azure': `
    169.254.169.254 169.254.170.2 169.254.170.23 169.254.169.253 100.100.100.200 192.0.0.192
    169.254.42.42 168.63.129.16`,
  'documentation, benchmarking, protocols, relays, multicast, reserved, broadcast': `
    192.0.2.1 198.51.100.1 203.0.113.1 198.18.0.1 198.19.255.255 192.0.0.1 192.0.0.170 192.88.99.1
    192.31.196.1 192.52.193.1 192.175.48.1 224.0.0.1 239.255.255.250 240.0.0.1 250.1.1.1
    255.255.255.255`,
  'IPv6: unspecified, loopback, unique-local (with metadata of AWS and Google), link- and site-local': `
    :: ::1 fc00::1 fd00::1 fd00:ec2::254 fd20:ce::254 fdff:ffff::1 fe80::1 fe80::a9fe:a9fe febf::1
    fec0::1 feff::1 ff02::1 ff0e::1`,
  'IPv4 inside IPv6: mapped, compatible, translated, NAT64 (both prefixes), 6to4, Teredo, ISATAP': `
    ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:169.254.169.254 ::ffff:10.0.0.1 ::ffff:168.63.129.16
    ::ffff:0.0.0.0 ::127.0.0.1 ::7f00:1 ::a9fe:a9fe ::10.0.0.1 ::ffff:0:127.0.0.1 ::ffff:0:a9fe:a9fe
    64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b:1::7f00:1 64:ff9b:1:abcd::1
    2002:7f00:1:: 2002:7f00:1::1 2002:a9fe:a9fe::1 2002:a00:1:: 2002:c0a8:1::1 2001:0:7f00:1::
    2001::1 2600:1f00::5efe:7f00:1 2600:1f00::200:5efe:7f00:1 fe80::5efe:7f00:1`,
  'discard, documentation, benchmarking, ORCHID, segment routing, what is not assigned': `
    100::1 100:0:0:1::1 2001:db8::1 3fff::1 2001:2::1 2001:10::1 2001:20::1 5f00::1 4000::1 8000::1
    e000::1 1::1 2001:1::1 2620:4f:8000::1`,
}).flatMap((addresses) => addresses.trim().split(/\s+/));

/** Other ways to write an IPv4 address, all of which some reader of URLs takes. */
function spellings(address: string): readonly string[] {
  const bytes = address.split('.').map(Number);
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const octal = (byte: number) => `0${byte.toString(8)}`;
  const hex = (byte: number) => `0x${byte.toString(16)}`;
  const wide = (text: string) =>
    text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
  return [
    `${number}`,
    `0${number.toString(8)}`,
    `0x${number.toString(16)}`,
    `0X${number.toString(16).toUpperCase()}`,
    `0x0000000${number.toString(16).padStart(8, '0')}`,
    bytes.map(octal).join('.'),
    bytes.map((byte) => `000000${octal(byte)}`).join('.'),
    bytes.map(hex).join('.'),
    `${octal(a)}.${hex(b)}.${c}.${d}`,
    `${a}.${b}.${c * 256 + d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${hex(a)}.${(b * 256 + c) * 256 + d}`,
    `${address}.`,
    wide(address),
    address.replaceAll('.', '\u3002'),
    address.replaceAll('.', '%2e'),
    address.replaceAll('1', '%31'),
    address.replaceAll('1', '\u2460'),
  ];
}

/** Names of what is inside, and forms of a host that readers disagree on. */
const INSIDE_NAMES = [
  'localhost',
  'LOCALHOST',
  'localhost.',
  'localhost..',
  'a.localhost',
  'localhost.localdomain',
  'ⓛocalhost',
  'local­host',
  'ｌｏｃａｌｈｏｓｔ',
  'loc%61lhost',
  'ip6-localhost',
  'router',
  'intranet',
  'console.internal',
  'db.local',
  'nas.lan',
  'metadata',
  'metadata.google.internal',
  'METADATA.GOOGLE.INTERNAL.',
  'instance-data',
  'kubernetes.default.svc.cluster.local',
  'gateway.home.arpa',
  'host.docker.internal',
  '[::1%25lo]',
  '[fe80::1%25eth0]',
  '[::1]。',
  '[0:0:0:0:0:0:0:1]',
  '[0000::0001]',
  '[::ffff:127.1]',
  '[::FFFF:7F00:0001]',
  '127.0.0.1%00.example.com',
  '127.0.0.1%0d%0a',
  '127.0.0.1%20',
  '-127.0.0.1',
  '127.0.0.1,',
  '1.1.1.1,127.0.0.1',
  '256.256.256.256',
];

/** Whole URLs in which something else than the host is odd; `at` is `host:port` of the listener. */
function oddUrls(at: string): readonly string[] {
  const port = at.split(':')[1];
  return [
    `https://example.com@${at}/`,
    `https://example.com:80@${at}/`,
    `https://:@${at}/`,
    `https://@${at}/`,
    `https://${at}@example.com/`,
    `https://a:b@${at}/`,
    `https://example.com\\@${at}/`,
    `https:\\\\${at}\\`,
    `https:/\\${at}/`,
    `https://${at}\\a`,
    `https:${at}/`,
    `https:/${at}/`,
    `https:///${at}/`,
    `////${at}/`,
    `//${at}/`,
    `${at}/`,
    ` https://${at}/`,
    `https://${at}/\n`,
    `ht\ttps://${at}/`,
    `https://127.0.0.1\t:${port}/`,
    `https://${at}/\u0000`,
    `https://127.0.0.1 :${port}/`,
    `https://127.0.0.1\r\n:${port}/`,
    `https://127.0.0.1:0${port}/`,
    `https://127.0.0.1:${port}0/`,
    `https://127.0.0.1:/`,
    `http://${at}/`,
    `HTTP://${at}/`,
    `ws://${at}/`,
    `wss://${at}/`,
    `ftp://${at}/`,
    `gopher://${at}/_GET%20/`,
    `dict://${at}/`,
    `ldap://${at}/`,
    `tftp://${at}/`,
    `sftp://${at}/`,
    'file:///etc/passwd',
    'file://localhost/etc/passwd',
    'data:text/plain,a',
    'blob:https://a/b',
    'javascript:1',
    'about:blank',
    'jar:https://a.example.com!/',
    'unix:/var/run/docker.sock',
    '',
    'https://',
    'https://?',
    'https://#',
    'https://[',
    'https://[::1',
    'https://a..b/',
    'https://./',
    `https://example.com:8080/`,
    `https://example.com:26257/`,
    `https://example.com:22/`,
    `https://example.com:0/`,
    `https://example.com:65536/`,
    `https://example.com:-1/`,
  ];
}

/** Every target of the attack, for a listener at this port of 127.0.0.1 and ::1. */
export function insideTargets(port: number): readonly string[] {
  const literal = (address: string) => (address.includes(':') ? `[${address}]` : address);
  const hosts = [
    ...INSIDE_ADDRESSES.map(literal),
    ...['127.0.0.1', '169.254.169.254', '10.0.0.1'].flatMap(spellings),
    ...INSIDE_NAMES,
  ];
  const urls = hosts.map((host) => `https://${host}:${port}/`);
  return [...new Set([...urls, ...oddUrls(`127.0.0.1:${port}`)])];
}
