/** The reference of the tools over MCP, made from the servers. */

import { COMMON_TOOLS } from '@deed/mcp/roles/common-tools'
import { roleServer } from '@deed/mcp/roles/role-server'
import type { ServerDefinition, Tool } from '@deed/mcp/serving/tool'
import { deedServer } from '@deed/mcp/tools/deed-server'
import { ORGANIZATION_ROLES } from '@deed/proto/organization'
import { fieldsOf } from './fields.ts'
import { code, table } from './table.ts'

const INTRODUCTION = `# Tools over MCP

The tools of each server, as \`tools/list\` has them with the complete schemas of arguments and answers. An argument with \`?\`
may be left out. A tool that reads changes nothing, and clients may call it without asking a person. [Deed over MCP](mcp.md) says
how a client gets the server, and [the organization](organization.md) who decides what roles propose.`

export function mcpToolsPage(): string {
  const roles = ORGANIZATION_ROLES.map(roleServer)
  return `${[
    INTRODUCTION,
    ...part(deedServer, '`deed mcp`', deedServer.tools),
    '## Every role',
    toolTable(COMMON_TOOLS),
    ...roles.flatMap((server) =>
      part(
        server,
        `\`deed mcp --role ${server.name}\``,
        server.tools.filter((tool) => !COMMON_TOOLS.includes(tool)),
      ),
    ),
  ].join('\n\n')}\n`
}

const part = ({ title, resources, prompts }: ServerDefinition, command: string, tools: readonly Tool[]): string[] => [
  `## ${title}`,
  `${command}. Resources: ${resources.map(({ uri }) => code(uri)).join(', ')}. Prompts: ${prompts.map(({ name }) => code(name)).join(', ')}.`,
  toolTable(tools),
]

const toolTable = (tools: readonly Tool[]): string =>
  table(
    ['tool', 'arguments', 'what it does', 'reads'],
    tools.map(({ name, description, input, annotations }) => [
      code(name),
      code(fieldsOf(input)),
      description.replaceAll('\n', ' '),
      annotations.readOnlyHint ? 'yes' : '',
    ]),
  )
