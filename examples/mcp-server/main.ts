/**
 * An MCP server of one's own: tickets, in a file. It speaks over its standard input and output, or over HTTP.
 *
 *     TICKETS_FILE=tickets.json node examples/mcp-server/main.ts
 *     TICKETS_FILE=tickets.json PORT=8090 node examples/mcp-server/main.ts
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'

interface Ticket {
  id: number
  title: string
}

const { TICKETS_FILE = 'tickets.json', PORT, TOKEN } = process.env

const tickets = (): Ticket[] =>
  existsSync(TICKETS_FILE) ? (JSON.parse(readFileSync(TICKETS_FILE, 'utf8')) as Ticket[]) : []

/** Without tickets there is no file: closing the only ticket leaves what was there before it, which an undo must show. */
function store(all: readonly Ticket[]): void {
  if (all.length === 0) return rmSync(TICKETS_FILE, { force: true })
  writeFileSync(`${TICKETS_FILE}.new`, JSON.stringify(all))
  renameSync(`${TICKETS_FILE}.new`, TICKETS_FILE)
}

const said = (data: Record<string, unknown>) => ({
  content: [{ type: 'text' as const, text: JSON.stringify(data) }],
  structuredContent: data,
})

function ticketServer(): McpServer {
  const server = new McpServer({ name: 'tickets', version: '1.0.0' })
  server.registerTool(
    'list_tickets',
    { description: 'Every open ticket.', inputSchema: fromJsonSchema<object>({ type: 'object', properties: {} }) },
    () => said({ tickets: tickets() }),
  )
  server.registerTool(
    'create_ticket',
    {
      description: 'Opens a ticket.',
      inputSchema: fromJsonSchema<{ title: string }>({
        type: 'object',
        properties: { title: { type: 'string' } },
        required: ['title'],
      }),
    },
    ({ title }) => {
      const all = tickets()
      const id = 1 + Math.max(0, ...all.map((one) => one.id))
      // A server may forget what it says that it did.
      if (!title.startsWith('lost:')) store([...all, { id, title }])
      return said({ id, title })
    },
  )
  server.registerTool(
    'close_ticket',
    {
      description: 'Closes a ticket.',
      inputSchema: fromJsonSchema<{ id: number }>({
        type: 'object',
        properties: { id: { type: 'integer' } },
        required: ['id'],
      }),
    },
    ({ id }) => {
      store(tickets().filter((one) => one.id !== id))
      return said({ closed: id })
    },
  )
  return server
}

if (PORT === undefined) serveStdio(ticketServer)
else {
  const handler = createMcpHandler(ticketServer)
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (TOKEN !== undefined && request.headers.authorization !== `Bearer ${TOKEN}`) {
      response.writeHead(401).end()
      return
    }
    const { method = 'GET', headers, url = '/' } = request
    const answer = await handler.fetch(
      new Request(`http://${headers.host}${url}`, {
        method,
        headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
        ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
      }),
    )
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body) for await (const chunk of answer.body) response.write(chunk)
    response.end()
  })
  server.listen(Number(PORT), '127.0.0.1', () => {
    const address = server.address()
    process.stdout.write(`${typeof address === 'object' ? address?.port : PORT}\n`)
  })
}
