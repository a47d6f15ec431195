// What roles have run in the sandbox of the executor, for real: an audit of pages with axe in a browser, and a drill that breaks a mesh.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchOptions, withoutBrowser } from './browser/chromium.ts'

const TOKEN = 'a-token-of-the-test-with-32-characters'
const ROOT = join(import.meta.dirname, '../..')
const MODULES = join(ROOT, 'node_modules')
/** Of a browser that starts, or a mesh that is broken, on a busy machine. */
const RUN_MS_MAX = 900_000
/** Each page is a check, as people write them. */
const AUDIT = `import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { chromium } from 'playwright-core'

const pages = process.argv.slice(2)
const browser = await chromium.launch(JSON.parse(readFileSync('browser.json', 'utf8')))
after(() => browser.close())
for (const page of pages)
  test(page, async () => {
    const view = await (await browser.newContext()).newPage()
    await view.setContent(readFileSync(page, 'utf8'))
    await view.evaluate(readFileSync('node_modules/axe-core/axe.min.js', 'utf8'))
    const { violations } = await view.evaluate('axe.run()')
    assert.deepStrictEqual(violations.map(({ id }) => id), [])
  })
`
const GOOD = '<!doctype html><html lang="en"><title>Good</title><main><h1>Good</h1><p>A page.</p></main></html>'
const BAD = GOOD.replace('<p>', '<img src="x.png"><p>')

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
/** A copy of this repository, whose command is `deed`. */
let repository: string
beforeAll(async () => {
  repository = opened.use(temporaryFolder()).path
  const sha256 = createHash('sha256').update(TOKEN).digest('hex')
  under = opened.use(
    await meshUnderTest({
      config: `  repository: { root: ${repository} }
commands: { allow: [node, npx] }
mcp: { enabled: true, tokens: [{ name: one, sha256: ${sha256}, user: bot, roles: [uiux_engineer, test_lead] }] }
`,
      thinkers: 'together',
    }),
  )
})
afterAll(() => opened.disposeAsync())

// biome-ignore lint/suspicious/noExplicitAny: what the tests read of an answer
async function call(role: string, name: string, args: object): Promise<any> {
  const port = readFileSync(join(under.mesh.dataDir, 'mcp-port.json'), 'utf8').trim()
  const answer = await fetch(`http://127.0.0.1:${port}/mcp/${role}`, {
    method: 'POST',
    headers: {
      ...{ authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      ...{ accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25' },
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  })
  const text = await answer.text()
  return JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text).result.structuredContent
}

/** A person approves it. @returns it at its end */
async function approved(execution_id: ExecutionId): Promise<ExecutionDetail> {
  const approval = await until(
    async () => (await under.client.call(listApprovals, { execution_id, status: 'pending' })).approvals[0],
    { what: `an approval of ${execution_id}` },
  )
  await under.client.call(decideApproval, { approval_id: approval.approval_id, decision: 'approve' })
  return until(
    async () => {
      const found = await under.client.call(getExecution, { execution_id })
      return found.finished_at === null ? undefined : found
    },
    { what: `the end of ${execution_id}`, timeoutMs: RUN_MS_MAX },
  )
}

describe.skipIf(withoutBrowser !== '')(`an audit of pages with axe${withoutBrowser}`, () => {
  beforeAll(() => {
    const { workspace } = under
    mkdirSync(join(workspace, 'browser'))
    writeFileSync(join(workspace, 'browser.json'), JSON.stringify(launchOptions(join(workspace, 'browser'))))
    for (const name of ['axe-core', 'playwright-core'])
      cpSync(join(MODULES, name), join(workspace, 'node_modules', name), { recursive: true })
    for (const [file, text] of Object.entries({ 'audit.mjs': AUDIT, 'good.html': GOOD, 'bad.html': BAD }))
      writeFileSync(join(workspace, file), text)
  })

  async function audited(pages: readonly string[]) {
    const selection = ['node', 'audit.mjs', ...pages]
    const asked = { workspace: under.workspace, selection, dry_run: false }
    const { execution_id, ...started } = await call('uiux_engineer', 'audit_accessibility', asked)
    expect(started).toMatchObject({ plan: [{ kind: 'test.run' }], checks: null, violations: null })
    await approved(execution_id)
    return call('uiux_engineer', 'audit_accessibility', { execution_id })
  }

  it('counts the pages that it checked, of which none has a violation', async () => {
    const found = await audited(['good.html'])
    expect(found).toMatchObject({ status: 'done', checks: 1, violations: 0 })
  })

  it('counts the pages with violations, and says where the figures are from', async () => {
    const found = await audited(['good.html', 'bad.html'])
    // What the run left is undone, unless the workspace is too large for that, such as by the browser.
    expect(found).toMatchObject({ status: expect.stringMatching(/^roll/), checks: 2, violations: 1 })
    expect(found.facts).toContainEqual({
      ...{ name: 'violations', value: 1, as_of: expect.any(String) },
      source: `execution ${found.execution_id}, the summary of its run`,
    })
  })
})

describe('a drill of a role', () => {
  it('breaks a mesh of its own, and is done if all held', async () => {
    const entries = readdirSync(ROOT).filter((name) => name !== '.git')
    execFileSync('cp', ['-a', '--link', ...entries.map((name) => join(ROOT, name)), repository])
    const asked = { workspace: repository, faults: ['F02'], dry_run: false }
    const { execution_id } = await call('test_lead', 'run_drill', asked)
    const { status, error, verification } = await approved(execution_id)
    expect({ status, error }).toEqual({ status: 'done', error: undefined })
    // That a person approved it, and what its run was seen to do.
    expect(verification.map(({ outcome }) => outcome)).toEqual(['verified', 'verified'])
  })
})
