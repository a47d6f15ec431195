/** A client's side of MCP: a real process over standard input and output, or HTTP, with a person who answers forms. */
import { COMMAND } from '@deed/drill/harness/deed-process'
import {
  Client,
  type ClientCapabilities,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

/** A process starts late on a busy machine. */
const ANSWER_MS_MAX = 240_000

export const REVISIONS = ['2025-11-25', '2026-07-28'] as const
export type Revision = (typeof REVISIONS)[number]

type Answer = { action: 'accept'; content?: Record<string, string> } | { action: 'decline' }

/** What the tests read of an answer: fields of any tool, or of an error. */
interface ToolAnswer {
  readonly execution_id: string
  readonly approval_id?: string
  readonly status: string
  readonly executions: unknown[]
  readonly waiting: unknown[]
  readonly untrusted: { evidence: string[] }
  readonly error: { code: string; message: string }
  readonly next: string
}

interface Person {
  /** Absent: the client shows no forms. */
  answers?: Answer
  capabilities?: ClientCapabilities
}

export interface McpClient extends AsyncDisposable {
  readonly client: Client
  /** What the person was shown. */
  readonly shown: { message: string; url?: string }[]
  /** @returns the structured content, or the error that the text has */
  call(name: string, args?: Record<string, unknown>): Promise<ToolAnswer>
}

export async function connect(transport: Transport, revision: Revision, person: Person = {}): Promise<McpClient> {
  const shown: McpClient['shown'] = []
  const { answers, capabilities = answers ? { elicitation: { form: {}, url: {} } } : {} } = person
  const client = new Client(
    { name: 'test', version: '1' },
    {
      capabilities,
      versionNegotiation: {
        mode: revision === '2025-11-25' ? 'legacy' : { pin: revision },
        probe: { timeoutMs: ANSWER_MS_MAX },
      },
    },
  )
  if (answers)
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      shown.push({ message: params.message, ...('url' in params ? { url: params.url } : {}) })
      return answers
    })
  await client.connect(transport, { timeout: ANSWER_MS_MAX })
  return {
    client,
    shown,
    async call(name, args = {}) {
      const { isError, structuredContent, content } = await client.callTool(
        { name, arguments: args },
        { timeout: ANSWER_MS_MAX },
      )
      const [first] = content
      if (isError !== true) return structuredContent as unknown as ToolAnswer
      return JSON.parse(first?.type === 'text' ? first.text : '{}') as ToolAnswer
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

export const overStdio = (dataDir: string, args: readonly string[] = []): StdioClientTransport =>
  new StdioClientTransport({
    command: process.execPath,
    args: [COMMAND, 'mcp', ...args],
    env: { PATH: process.env.PATH ?? '', DEED_DATA_DIR: dataDir },
    stderr: 'ignore',
  })

export const overHttp = (url: string, token: string): StreamableHTTPClientTransport =>
  new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${token}` } } })
