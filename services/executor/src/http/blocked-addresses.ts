/** Addresses that no request from outside may reach: this host, its networks, and where clouds keep credentials. */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** @param address an IP address, not a name */
export function isBlocked(address: string): boolean {
  if (isIPv4(address)) return BLOCKED.check(address, 'ipv4')
  if (!isIPv6(address)) return true
  const embedded = embeddedIPv4(address)
  return embedded === undefined ? BLOCKED.check(address, 'ipv6') : isBlocked(embedded)
}

const BLOCKED = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  BLOCKED.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  BLOCKED.addSubnet(network, bits, 'ipv6')

/** The IPv4 address inside a mapped one (`::ffff:127.0.0.1`) or one for a translator (`64:ff9b::7f00:1`). */
function embeddedIPv4(address: string): string | undefined {
  // The parser of URLs knows every spelling, and gives one.
  const canonical = new URL(`http://[${address.split('%', 1)[0]}]/`).hostname.slice(1, -1)
  // Groups of zeros may be left out, of a translator's address both.
  const found = /^(?:::ffff:|64:ff9b::)(?:(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4}))?$/.exec(canonical)
  if (!found) return undefined
  const [, high = '0', low = '0'] = found
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}
