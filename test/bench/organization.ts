/** The organization as a program over MCP meets it: reading tools, and a message from the tool call to its reader. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { getExecution, requestExecution } from '@deed/proto/execution'
import { ORGANIZATION_ROLES, type OrganizationRole } from '@deed/proto/organization'
import { MESSAGES_A_MINUTE_MAX, messageEvent } from '@deed/proto/organization-notes'
import { benchMesh, MACHINES_ONLY } from './bench-mesh.ts'
import { percentile } from './load.ts'
import { type Line, rounded, type Scenario } from './scenario.ts'
import { seedHistory } from './seed-history.ts'

const NAME = 'organization'
const TOKEN = 'a-token-of-the-benchmark-with-32-characters'
const READING: readonly [role: OrganizationRole, tool: string][] = [
  ['ceo', 'review_organizational_health'],
  ['cto', 'assess_technical_debt'],
  ['chro', 'plan_capacity'],
  ['operations_head', 'get_operations_status'],
  ['test_lead', 'find_flaky'],
  ['senior_architect', 'recall'],
]
/** Of each tool, and of messages, before anything is measured. */
const WARM_UPS = 3
const READ = 20
const ROWS = 10_000
/** Of the executions that have ended, so many are open besides. */
const OPEN_PART = 0.001

type CallTool = (role: OrganizationRole, tool: string, args?: object) => Promise<Record<string, unknown>>

export const organization: Scenario = {
  name: NAME,
  summary: `call reading tools of the roles over HTTP, one at a time, after ${ROWS.toLocaleString('en')} executions, or --rows; and a message until its reader hears of it`,
  async run(settings, opened) {
    const sha256 = createHash('sha256').update(TOKEN).digest('hex')
    const roles = ORGANIZATION_ROLES.join(', ')
    const sections = `mcp: { enabled: true, tokens: [{ name: bench, user: bot, sha256: ${sha256}, roles: [${roles}] }] }\n`
    const { mesh, database } = await benchMesh(settings, opened, { ...MACHINES_ONLY, sections })
    const callTool = toolsAt(readFileSync(join(mesh.dataDir, 'mcp-port.json'), 'utf8'))
    const { nats_url: url, nats_user: user, nats_password: password } = mesh.connection
    const bus = opened.use(await connectBus({ service: user ?? 'deed', url, user, password }))
    const heard = new Map<string, number>()
    bus.nc.subscribe(messageEvent.subject, {
      callback: (_, msg) => void heard.set(msg.json<{ message_id: string }>().message_id, performance.now()),
    })
    await bus.nc.flush()
    const rows = settings.rows ?? ROWS
    await seedHistory(database, await writeOne(bus), { ended: rows, open: Math.round(rows * OPEN_PART) })
    return [{ ...(await readingTools(callTool, settings.seconds)), rows }, await messages(callTool, heard)]
  },
}

/** @returns the execution that the history is made of */
async function writeOne(bus: Bus): Promise<string> {
  const { execution_id: id } = await bus.call(requestExecution, { task: 'write "first" to first.txt' })
  await until(async () => (await bus.call(getExecution, { execution_id: id })).status === 'done', { what: 'its end' })
  return id
}

async function readingTools(callTool: CallTool, seconds: number): Promise<Line> {
  const times: number[] = []
  const byTool = new Map<string, number[]>(READING.map(([, tool]) => [tool, []]))
  for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) for (const [role, tool] of READING) await callTool(role, tool)
  const end = performance.now() + seconds * 1_000
  for (let count = 0; performance.now() < end; count++) {
    const [role, tool] = READING[count % READING.length] as (typeof READING)[number]
    const begun = performance.now()
    await callTool(role, tool)
    const ms = performance.now() - begun
    times.push(ms)
    byTool.get(tool)?.push(ms)
  }
  const p95 = Object.fromEntries([...byTool].map(([tool, own]) => [tool, figuresOf(own).p95_ms ?? 0]))
  return { scenario: `${NAME}.reading_tool`, ...figuresOf(times), calls: times.length, p95_ms_by_tool: p95 }
}

/** As many as the roles may write in a minute, to the next role each, and then read by it. */
async function messages(callTool: CallTool, heard: ReadonlyMap<string, number>): Promise<Line> {
  const times: number[] = []
  for (let round = 0; round < MESSAGES_A_MINUTE_MAX - 1; round++) {
    for (const [index, role] of ORGANIZATION_ROLES.entries()) {
      const to = ORGANIZATION_ROLES[(index + 1) % ORGANIZATION_ROLES.length] as OrganizationRole
      const begun = performance.now()
      const { message_id: id } = await callTool(role, 'send_message', {
        ...{ to, type: 'notification', subject: 'a message', content: `round ${round}` },
      })
      const at = await until(() => heard.get(String(id)), { what: `the event of message ${id}` })
      if (round >= WARM_UPS) times.push(at - begun)
    }
  }
  const { messages: read } = await callTool('cto', 'read_inbox', { limit: READ })
  if (!Array.isArray(read) || read.length !== READ) throw new Error(`the inbox does not have ${READ} messages`)
  return { scenario: `${NAME}.message`, ...figuresOf(times), messages: times.length }
}

function figuresOf(times: readonly number[]): Pick<Line, 'p50_ms' | 'p95_ms' | 'p99_ms'> {
  const sorted = times.toSorted((a, b) => a - b)
  const of = (part: number): number => rounded(percentile(sorted, part), 2)
  return { p50_ms: of(50), p95_ms: of(95), p99_ms: of(99) }
}

/** A client of the roles that says no more than a call needs. @throws for an answer that is an error */
function toolsAt(port: string): CallTool {
  return async (role, tool, args = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port.trim()}/mcp/${role}`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        ...{ accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25' },
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args } }),
    })
    const text = await answer.text()
    const { result } = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text) as {
      result?: { isError?: boolean; structuredContent?: Record<string, unknown> }
    }
    if (result?.isError !== false && result?.structuredContent === undefined)
      throw new Error(`${role}.${tool}: ${text}`)
    if (result.isError) throw new Error(`${role}.${tool}: ${text}`)
    return result.structuredContent ?? {}
  }
}
