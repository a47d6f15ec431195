/** The section `console` of execution.yaml: where people reach the console, and whom it lets in. */
import { CONSOLE_ROLES } from '@deed/proto/permissions'
import { z } from 'zod'
import { bearerToken } from './bearer-token.ts'
import { OidcSettings } from './oidc-settings.ts'

const BearerToken = z.strictObject({
  ...bearerToken,
  role: z.enum(CONSOLE_ROLES).default('viewer'),
})
export type BearerToken = z.output<typeof BearerToken>

export const ConsoleSettings = {
  enabled: z.boolean().default(true).describe('Whether the mesh has a console. All else works without.'),
  host: z
    .union([z.ipv4(), z.ipv6(), z.literal('localhost')])
    .default('127.0.0.1')
    .describe('Address that the console listens at. Any other than the loopback needs `url`.'),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('Port of the console; 0: any free one. Default: a free one, which is kept over restarts.'),
  url: z
    .url({ protocol: /^https$/, error: 'must be an address that begins with https://' })
    .refine((url) => new URL(url).pathname === '/', 'must have no path: the console is at the root of its host')
    .optional()
    .describe(
      'Where people reach it through a proxy that ends TLS: `https://deed.example.com`. It then answers to that name alone.',
    ),
  jaeger_url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Jaeger, for links to traces.'),
  session_hours: z.number().min(0.1).max(168).default(12).describe('How long a person stays signed in.'),
  tokens: z.array(BearerToken).max(1_000).default([]).describe('Tokens that people sign in with, by their hashes.'),
  oidc: OidcSettings.optional(),
}

export const isLoopback = (host: string): boolean => /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host)

type Console = z.output<z.ZodObject<typeof ConsoleSettings>>

/** What its keys say against each other, as sentences that name the key. */
export function consoleFaults({ host, url, tokens }: Console): string[] {
  const names = tokens.map(({ name }) => name)
  const twice = names.filter((name, index) => names.indexOf(name) < index)
  return [
    ...twice.map((name) => `console.tokens: two of them are named ${JSON.stringify(name)}`),
    ...(url === undefined && !isLoopback(host)
      ? [
          `console.host: other machines reach ${host}, so console.url must say where people find it, with https: no session travels in the clear`,
        ]
      : []),
  ]
}

/** @param absolute makes a path absolute */
export function withAbsoluteSecret(settings: Console, absolute: (path: string) => string): Console {
  const { oidc } = settings
  if (oidc?.client_secret_file === undefined) return settings
  return { ...settings, oidc: { ...oidc, client_secret_file: absolute(oidc.client_secret_file) } }
}
