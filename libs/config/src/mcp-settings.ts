/** The section `mcp` of execution.yaml: where programs reach Deed over MCP and HTTP, and whom it serves. */
import { PrincipalName } from '@deed/proto/ids'
import { OrganizationRole } from '@deed/proto/organization'
import { z } from 'zod'
import { bearerToken } from './bearer-token.ts'
import { ConsoleSettings, isLoopback } from './console-settings.ts'

const AgentToken = z.strictObject({
  ...bearerToken,
  user: bearerToken.user.describe('In whose name the program requests.'),
  person: PrincipalName.optional().describe(
    'Who answers its forms, and so approves up to level 1: another user. Absent: nobody approves over it.',
  ),
  roles: z
    .array(OrganizationRole)
    .default([])
    .describe('Roles of the organization that the program may speak for, each at `/mcp/<role>` and under its name.'),
})
export type AgentToken = z.output<typeof AgentToken>

export const McpSettings = {
  enabled: z.boolean().default(false).describe('Whether the mesh serves MCP over HTTP. `deed mcp` works without.'),
  host: ConsoleSettings.host.describe('Address that it listens at. Any other than the loopback needs `url`.'),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('Port; 0: any free one. Default: a free one, which is kept over restarts.'),
  url: ConsoleSettings.url.describe(
    'Where programs reach it through a proxy that ends TLS: `https://mcp.example.com`. It then answers to that name alone.',
  ),
  tokens: z.array(AgentToken).max(1_000).default([]).describe('Tokens of programs, by their hashes.'),
}

/** What its keys say against each other, as sentences that name the key. */
export function mcpFaults({ host, url, tokens }: z.output<z.ZodObject<typeof McpSettings>>): string[] {
  const names = tokens.map(({ name }) => name)
  return [
    ...names
      .filter((name, index) => names.indexOf(name) < index)
      .map((name) => `mcp.tokens: two of them are named ${JSON.stringify(name)}`),
    ...tokens
      .filter(({ user, person }) => user === person)
      .map(({ name }) => `mcp.tokens: ${name} must not approve its own requests; person must be another user`),
    ...(url === undefined && !isLoopback(host)
      ? [`mcp.host: other machines reach ${host}, so mcp.url must say where programs find it, with https`]
      : []),
  ]
}
