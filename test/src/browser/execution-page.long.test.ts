/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// The page of one execution in a browser, over a whole mesh: what failed, what changed, what is undone, and how much of it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { linkConsole } from '@deed/proto/console'
import type { ExecutionDetail, ExecutionReply } from '@deed/proto/execution'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askedOf, detailOf, endOf } from '../follow.ts'
import { type PlainClient, plainClient } from '../plain-client.ts'
import { axeFindings, focusFindings, sidewaysFindings } from './accessibility.ts'
import { withoutBrowser } from './chromium.ts'
import { type BrowserUnderTest, openBrowser, THEMES } from './open-browser.ts'

const VIEWS = ['tasks', 'timeline', 'trace', 'cost', 'audit', 'record', 'logs']
const NOBODYS = '0194a000-7000-7abc-8def-000000000000'
/** More than are drawn, and more than one message has room for. */
const MANY = 1_000

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let browser: BrowserUnderTest
let user: PlainClient
let approver: PlainClient

const write = (path: string, content = path) => ({ kind: 'file.write', input: { path, content } })
const at = (...path: string[]): string => join(under.workspace, ...path)

const request = async (body: object): Promise<ExecutionReply> => (await user.ask('execution.request', body)).body

/** The end of what is described as a manifest. */
async function ended(name: string, tasks: object[], more: object = {}): Promise<ExecutionDetail> {
  const { execution_id: id } = await request({ manifest: { name, tasks }, mode: 'background', ...more })
  return endOf(under, id)
}

async function signIn(page: Page, person = 'user', tenant = 'local'): Promise<string> {
  const { url } = await under.client.call(linkConsole, { tenant, user: person, role: 'approver' })
  await page.goto(url)
  // The navigation is behind a menu where the window is narrow.
  await page.locator('#main').waitFor()
  return new URL(url).origin
}

/** Opens the page of an execution as the person who requested it. */
async function openExecution(page: Page, id: string, query = ''): Promise<string> {
  const origin = await signIn(page)
  await page.goto(`${origin}/executions/${id}${query}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  return origin
}

const panel = (page: Page) => page.locator('.task.panel')
const statusOf = (page: Page) => page.locator('.execution-head > header .status')

describe.skipIf(withoutBrowser)(`the page of one execution${withoutBrowser}`, () => {
  beforeAll(async () => {
    under = opened.use(await meshUnderTest())
    browser = opened.use(await openBrowser())
    user = opened.use(await plainClient(under.mesh.connectionAs('client')))
    approver = opened.use(await plainClient(under.mesh.connectionAs('approver')))
  })
  afterAll(() => opened.disposeAsync())

  it('opens at the task that failed, with its claim beside what was observed, and Enter opens another', async () => {
    const failed = await ended('claims', [
      { id: 'good', action: write('claims/good.txt') },
      {
        id: 'bad',
        action: { ...write('claims/bad.txt'), verify: { kind: 'file', path: 'claims/other.txt' } },
        depends_on: ['good'],
      },
      { id: 'never', action: write('claims/never.txt'), depends_on: ['bad'] },
    ])
    await browser.withPage({}, async (page) => {
      await openExecution(page, failed.execution_id)
      const evidence = panel(page).getByRole('region', { name: 'Evidence', exact: true })
      await expect
        .poll(() => evidence.textContent())
        .toMatch(/failed[\s\S]*claimed[\s\S]*observed[\s\S]*claims\/other\.txt/)
      expect(await page.locator('.execution-head').textContent()).toContain(failed.error?.message)
      // The list is equal to the graph, and the keys work in it.
      await page.keyboard.press('k')
      await page.keyboard.press('Enter')
      await expect.poll(() => panel(page).getByRole('heading', { level: 2 }).textContent()).toContain('good')
      expect(new URL(page.url()).searchParams.get('task')).toBe(failed.tasks[0]?.task_id)
      await page.locator('.graph').focus()
      await page.keyboard.press('ArrowRight')
      await expect.poll(() => panel(page).getByRole('heading', { level: 2 }).textContent()).toContain('bad')
      await page.goBack()
      expect(await page.getByRole('button', { name: 'Pause' }).getAttribute('title')).toMatch(/only what goes forward/)
    })
  })

  it('shows the diff that was approved, folded until it is asked for', async () => {
    writeFileSync(at('notes.txt'), 'kept\nold\n')
    const { execution_id: id } = await request({
      manifest: { name: 'patch', tasks: [{ id: 'change', action: write('notes.txt', 'kept\nnew <b>\n') }] },
      mode: 'background',
    })
    await browser.withPage({}, async (page) => {
      await openExecution(page, id)
      // What waits for somebody leads to the plan.
      await page.getByRole('link', { name: 'Read the plan and decide' }).waitFor()
      const { approval_id, plan_hash } = await askedOf(under, id)
      await approver.ask('approval.decide', { approval_id, plan_hash, decision: 'approve' })
      await expect.poll(() => statusOf(page).textContent()).toContain('done')
      const diff = panel(page).getByRole('region', { name: /^Diff/ })
      expect(await diff.locator('.diff-line').count()).toBe(0)
      await diff.getByRole('button', { name: /^show/ }).click()
      expect(await diff.locator('.added').allInnerTexts()).toMatchObject([/^\+new <b>/])
      expect(await diff.locator('.removed').allInnerTexts()).toMatchObject([/^-old/])
      expect(readFileSync(at('notes.txt'), 'utf8')).toBe('kept\nnew <b>\n')
    })
  })

  it('rolls back after a dry run, while the page stays open, and has each row once', async () => {
    const done = await ended('taken-back', [{ id: 'one', action: write('back/one.txt') }])
    await browser.withPage({}, async (page) => {
      await openExecution(page, done.execution_id)
      await page.getByRole('button', { name: 'Roll back', exact: true }).click()
      const dialog = page.getByRole('dialog')
      await expect.poll(() => dialog.textContent()).toContain('will be undone')
      expect(existsSync(at('back/one.txt'))).toBe(true)
      await dialog.getByRole('button', { name: 'Undo 1 task' }).click()
      await expect.poll(() => page.locator('.toasts').textContent()).toContain('The rollback has begun')
      await expect.poll(() => statusOf(page).textContent()).toContain('rolled back')
      expect(existsSync(at('back/one.txt'))).toBe(false)
      await expect.poll(() => panel(page).textContent()).toContain('Evidence of its undo')
      await page.getByRole('link', { name: 'Audit rows' }).click()
      const { timeline } = await detailOf(under, done.execution_id)
      const table = page.getByRole('table', { name: 'rows of the audit log' })
      await expect.poll(() => table.getAttribute('aria-rowcount')).toBe(String(timeline.length + 1))
      await page.getByRole('button', { name: 'Verify the chain' }).click()
      await page.getByText(`The chain of ${timeline.length} rows is whole.`).waitFor()
    })
  })

  it(`draws at most 200 of ${MANY} tasks, and lists all of them a window at a time`, async () => {
    const tasks = Array.from({ length: MANY }, (_, index) => ({
      id: `t${index}`,
      action: write(`many/${index}.txt`),
      ...(index < 50 ? {} : { depends_on: [`t${index - 50}`] }),
    }))
    const done = await ended('many', tasks)
    expect(done.status).toBe('done')
    await browser.withPage({}, async (page) => {
      await openExecution(page, done.execution_id)
      await page.getByText(`1,000 of 1,000 shown`).waitFor()
      const nodes = await page.locator('.graph .node').count()
      expect(nodes).toBeGreaterThan(10)
      expect(nodes).toBeLessThanOrEqual(200)
      const table = page.getByRole('table', { name: 'tasks' })
      expect(await table.getAttribute('aria-rowcount')).toBe(String(MANY + 1))
      expect(await table.locator('tbody tr').count()).toBeLessThan(100)
      await page.locator('.table-box').evaluate((box) => {
        box.scrollTop = box.scrollHeight
      })
      await table.getByRole('link', { name: `t${MANY - 1}:` }).waitFor()
      // A folded node lists what is in it.
      await page.locator('.graph .node', { hasText: '50 tasks' }).first().click()
      await page.getByText('50 of 1,000 shown').waitFor()
    })
  })

  it('has the trace without a collector, and never that of another tenant', async () => {
    const done = await ended('traced', [{ id: 'one', action: write('traced/one.txt') }])
    await browser.withPage({}, async (page) => {
      const origin = await openExecution(page, done.execution_id, '?view=trace')
      const table = page.getByRole('table', { name: 'spans' })
      await expect.poll(() => table.textContent()).toMatch(/orchestrator[\s\S]*executor/)
      const status = async (id: string): Promise<number> =>
        (await page.request.get(`${origin}/api/trace/${id}`)).status()
      expect(await status(done.execution_id)).toBe(200)
      expect(await status(NOBODYS)).toBe(404)
      expect(await status('no-id')).toBe(400)
    })
    await browser.withPage({}, async (page) => {
      const origin = await signIn(page, 'ann', 'other')
      expect((await page.request.get(`${origin}/api/trace/${done.execution_id}`)).status()).toBe(404)
    })
  })

  it.each(THEMES)('meets WCAG 2.2 AA in each view, in %s, down to 320 px', async (colorScheme) => {
    const { execution_id: id } = await ended('views', [
      { id: 'one', action: write('views/one.txt') },
      { id: 'two', action: { kind: 'file.read', input: { path: 'not-there.txt' } }, depends_on: ['one'] },
    ])
    await browser.withPage({ colorScheme }, async (page) => {
      await openExecution(page, id)
      for (const view of VIEWS) {
        await page.goto(`${new URL(page.url()).origin}/executions/${id}?view=${view}`)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await page.waitForLoadState('networkidle')
        expect(await axeFindings(page), view).toEqual([])
        expect((await focusFindings(page)).findings, view).toEqual([])
      }
    })
    await browser.withPage({ colorScheme, width: 320 }, async (page) => {
      await openExecution(page, id)
      for (const view of VIEWS) {
        await page.goto(`${new URL(page.url()).origin}/executions/${id}?view=${view}`)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await page.waitForLoadState('networkidle')
        expect(await sidewaysFindings(page), view).toEqual([])
        expect(await axeFindings(page), view).toEqual([])
      }
    })
  })
})
