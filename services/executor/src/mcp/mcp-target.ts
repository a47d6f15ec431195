/** The MCP servers that targets of type `mcp` name, and which of their tools may be called. */

import { nearest } from '@deed/config/nearest'
import type { Target } from '@deed/config/targets'
import { DeedError } from '@deed/proto/errors'
import type { World } from '../kind/kind.ts'
import { targetOf } from '../kind/target-of.ts'

export type McpTarget = Extract<Target, { type: 'mcp' }>
export type McpTool = McpTarget['tools'][string]

/** @throws {DeedError} `unknown_target` */
export const mcpTarget = ({ config }: Pick<World, 'config'>, name: string): McpTarget =>
  targetOf(config.targets, name, ['mcp'], 'an MCP server')

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
