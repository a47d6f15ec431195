/** The span of a call: `tools/call <tool>`. What the tool is given and what it answers is not in it. */
import * as names from '@deed/telemetry/names'
import { inChildSpan } from '@deed/telemetry/span'
import { traceparentIn } from '@deed/telemetry/trace-context'
import type { CallToolResult } from '@modelcontextprotocol/client'

const METHOD = 'tools/call'

/**
 * @param version of the protocol, as the two have agreed on it
 * @param call is given what the server gets in `_meta`, so that its own spans are children of this one
 */
export const traceCall = (
  tool: string,
  version: string | undefined,
  call: (trace: { traceparent?: string }) => Promise<CallToolResult>,
): Promise<CallToolResult> =>
  inChildSpan(`${METHOD} ${tool}`, { kind: 'client', attributes: attributesOf(tool, version) }, async (span) => {
    const answer = await call(span ? { traceparent: traceparentIn(span.trace) } : {})
    if (answer.isError) span?.fail({ code: 'tool_error', message: 'the tool says that it failed' })
    return answer
  })

const attributesOf = (tool: string, version: string | undefined) => ({
  [names.MCP_METHOD_NAME]: METHOD,
  [names.GEN_AI_OPERATION_NAME]: 'execute_tool',
  [names.GEN_AI_TOOL_NAME]: tool,
  ...(version === undefined ? {} : { [names.MCP_PROTOCOL_VERSION]: version }),
})
