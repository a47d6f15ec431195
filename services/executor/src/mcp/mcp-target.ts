/** The MCP servers that targets of type `mcp` name, and which of their tools may be called. */
import type { Target } from '@deed/config/execution-config'
import { nearest } from '@deed/config/nearest'
import { DeedError } from '@deed/proto/errors'
import type { World } from '../kinds/kind.ts'

export type McpTarget = Extract<Target, { type: 'mcp' }>
export type McpTool = McpTarget['tools'][string]

/** @throws {DeedError} `unknown_target` */
export function mcpTarget({ config: { targets } }: Pick<World, 'config'>, name: string): McpTarget {
  const target = Object.hasOwn(targets, name) ? targets[name] : undefined
  if (target?.type === 'mcp') return target
  const servers = Object.keys(targets).filter((one) => targets[one]?.type === 'mcp')
  const meant = nearest(name, servers)
  throw new DeedError(
    'unknown_target',
    target
      ? `${name} is a target of type ${target.type}, not an MCP server`
      : `execution.yaml has no target ${JSON.stringify(name)}${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
  )
}

/** @throws {DeedError} `command_not_allowed` when execution.yaml does not name the tool */
export function allowedTool({ tools }: McpTarget, name: string): McpTool {
  const tool = Object.hasOwn(tools, name) ? tools[name] : undefined
  if (tool) return tool
  const meant = nearest(name, Object.keys(tools))
  throw new DeedError(
    'command_not_allowed',
    `execution.yaml does not allow the tool ${JSON.stringify(name)}: name it in the target's tools${meant === undefined ? '' : `, or did you mean "${meant}"?`}`,
  )
}
