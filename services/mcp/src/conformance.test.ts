// The official conformance suite over HTTP: all that a revision requires against a server with the tools that the suite expects, and what needs no
// tools of its own against Deed and the nine roles. The suite is not among the dependencies, since it brings a hundred packages: MCP_CONFORMANCE names
// its program.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { ORGANIZATION_ROLES } from '@deed/proto/organization'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startConformanceServer } from '../test/conformance-server.ts'

const SUITE = process.env.MCP_CONFORMANCE ?? ''
const without = SUITE === '' ? ' (skipped: MCP_CONFORMANCE names no dist/index.js of the suite)' : ''
const TOKEN = 'a-token-of-the-test-with-32-characters'
const SCENARIOS = {
  '2025-11-25': [
    ...['server-initialize', 'ping', 'tools-list', 'server-sse-multiple-streams', 'resources-list', 'prompts-list'],
    'dns-rebinding-protection',
  ],
  '2026-07-28': [
    ...['tools-list', 'server-sse-multiple-streams', 'resources-list', 'prompts-list', 'dns-rebinding-protection'],
    ...['sep-2164-resource-not-found', 'caching'],
  ],
}
/** How many scenarios each revision requires. */
const REQUIRED = [
  { revision: '2026-07-28', passing: 37 },
  { revision: '2025-11-25', passing: 30 },
]
const CASES = Object.entries(SCENARIOS).flatMap(([revision, names]) => names.map((name) => [name, revision] as const))

describe.skipIf(without !== '')(`the requirements of the conformance suite${without}`, () => {
  it.each(REQUIRED)('all pass for the revision $revision', async ({ revision, passing }) => {
    await using server = await startConformanceServer()
    const { output } = await runSuite(['server', '--url', server.url, '--requirements', revision])
    const summary = output.slice(output.indexOf('=== SUMMARY ==='))
    const named = (line: RegExp) => [...summary.matchAll(line)].map(([, name]) => name)
    const notScored = new Set(named(/^ {2}[✓✗] (\S+) \(/gm))
    const scored = (line: RegExp) => named(line).filter((name) => !notScored.has(name))
    expect(scored(/^✗ (\S+):/gm), output).toEqual([])
    expect(scored(/^✓ (\S+):/gm)).toHaveLength(passing)
  })
})

describe.skipIf(without !== '')(`the conformance suite${without}`, () => {
  const opened = new AsyncDisposableStack()
  let url: string
  beforeAll(async () => {
    const sha256 = createHash('sha256').update(TOKEN).digest('hex')
    const roles = ORGANIZATION_ROLES.join(', ')
    const { mesh } = opened.use(
      await meshUnderTest({
        config: `mcp: { enabled: true, tokens: [{ name: suite, user: bot, sha256: ${sha256}, roles: [${roles}] }] }\n`,
      }),
    )
    const port = readFileSync(join(mesh.dataDir, 'mcp-port.json'), 'utf8').trim()
    // The suite has no token; everything else of its requests is passed on.
    const proxy = createServer((from, to) => {
      const headers = { ...from.headers, authorization: `Bearer ${TOKEN}` }
      const { method, url: path } = from
      const on = request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(to)
      })
      on.on('error', () => to.destroy())
      from.pipe(on)
    }).listen(0, '127.0.0.1')
    opened.defer(() => void proxy.close())
    await once(proxy, 'listening')
    url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/mcp`
  })
  afterAll(() => opened.disposeAsync())

  describe.each(['', ...ORGANIZATION_ROLES.map((role) => `/${role}`)])('of /mcp%s', (path) => {
    it.each(CASES)('passes %s of the revision %s', async (name, revision) => {
      const args = ['server', '--url', `${url}${path}`, '--scenario', name, '--spec-version', revision]
      const { code, output } = await runSuite([...args, '--timeout', '120000'])
      expect(code, output).toBe(0)
    })
  })
})

const runSuite = (args: readonly string[]): Promise<{ code: unknown; output: string }> =>
  new Promise((end) =>
    execFile(process.execPath, [SUITE, ...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      end({ code: error?.code ?? 0, output: stdout + stderr }),
    ),
  )
