// A real MCP server, a program of its own, that answers with what it was sent besides the arguments.
import { Action } from '@deed/proto/action'
import { inSpan, spansOf } from '@deed/telemetry/span'
import { spanData } from '@deed/telemetry/span-data'
import { expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'
import { OBSERVE_ONLY } from '../kind/kind.ts'
import { atServer } from './at-server.ts'
import { mcpTarget } from './mcp-target.ts'

const SERVER = `
import { createInterface } from 'node:readline'
const say = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line)
  if (method === 'initialize') say(id, { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'echo', version: '1' } })
  if (method === 'tools/list') say(id, { tools: [{ name: 'ask', description: 'asks', inputSchema: { type: 'object' } }] })
  if (method === 'tools/call') say(id, { content: [{ type: 'text', text: JSON.stringify(params._meta) }], isError: params.arguments.fails })
}
`
const TARGETS = 'targets: { echo: { type: mcp, command: [node, server.mjs], cwd: ./app, tools: { ask: {} } } }'

it('a call of a tool is a span with its tool and protocol, which the server can continue', async () => {
  await using executor = await testExecutor(TARGETS)
  executor.write('server.mjs', SERVER)
  const { world } = executor
  const context = {
    ...{ world, actionId: OBSERVE_ONLY, signal: AbortSignal.timeout(60_000) },
    action: Action.parse({ kind: 'mcp.call', input: { target: 'echo', tool: 'ask' }, timeout_ms: 60_000 }),
  }
  const ask = (args: { fails: boolean }) =>
    atServer(mcpTarget(world, 'echo'), context, (server) => server.call('ask', args))

  const { traceId, spanId, answer } = await inSpan('act mcp.call', {}, async (act) => ({
    ...{ traceId: act.traceId, spanId: act.spanId, answer: await ask({ fails: false }) },
    failed: await ask({ fails: true }),
  }))
  const [call, failed] = spansOf(traceId)
    .spans.filter(({ name }) => name.startsWith('tools/'))
    .map(spanData)
  expect(call).toMatchObject({
    ...{ name: 'tools/call ask', kind: 'client', parent_id: spanId, failed: false },
    attributes: {
      'mcp.method.name': 'tools/call',
      'mcp.protocol.version': '2025-06-18',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'ask',
    },
  })
  expect(failed).toMatchObject({ name: 'tools/call ask', failed: true, attributes: { 'error.type': 'tool_error' } })
  const [content] = answer.content
  expect(JSON.parse(content?.type === 'text' ? content.text : '')).toMatchObject({
    traceparent: `00-${traceId}-${call?.span_id}-00`,
  })

  // Without a span above it there is none, and the server is sent no trace.
  const outside = await ask({ fails: false })
  expect(JSON.stringify(outside.content)).not.toContain('traceparent')
})
