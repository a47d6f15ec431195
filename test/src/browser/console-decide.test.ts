// Deciding in the console, by keyboard: an approval of level 2 by the hash of its plan, a task that a person does; and a
// service that dies while somebody looks.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import { listApprovals } from '@deed/proto/approval'
import { exportAudit } from '@deed/proto/audit'
import { type ExecutionReply, getExecution, requestExecution } from '@deed/proto/execution'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withoutBrowser } from './chromium.ts'
import { type ConsoleWorld, consoleWorld } from './console-world.ts'

const APPROVER = { user: 'approver', role: 'approver' } as const
const HASH_CHARS = 6
/** Others may be slow to answer on a busy machine. */
const EXECUTOR_AWAY = /executor\b.* not answer/

const opened = new AsyncDisposableStack()
let world: ConsoleWorld

const inWorkspace = (name: string): string => join(world.under.workspace, name)
const statusOf = async (execution_id: ExecutionReply['execution_id']) =>
  (await world.under.client.call(getExecution, { execution_id })).status

/** Requests what waits for a person. */
async function waiting(task: string): Promise<ExecutionReply['execution_id']> {
  const { execution_id } = await world.under.client.call(requestExecution, { task, mode: 'background' })
  await until(async () => (await statusOf(execution_id)) === 'waiting', { what: `${task} to wait` })
  return execution_id
}

/** Presses Tab until the button with this text has the focus. */
async function tabTo(page: Page, text: string): Promise<void> {
  const focused = () =>
    page.evaluate(() => document.activeElement?.closest('button:not([aria-disabled="true"])')?.textContent ?? '')
  for (let count = 0; count < 60; count++) {
    if ((await focused()).includes(text)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not reach "${text}"`)
}

describe.skipIf(withoutBrowser)(`deciding in the console${withoutBrowser}`, () => {
  beforeAll(async () => {
    // What is killed stays away until it is started.
    world = opened.use(await consoleWorld({ supervise: false }))
  })
  afterAll(() => opened.disposeAsync())

  it('approves level 2 by the typed hash of the plan that is shown, and the audit log says how', async () => {
    const { client } = world.under
    await client.call(requestExecution, { task: 'write "old" to old.txt' })
    const execution_id = await waiting('delete old.txt')
    const { approvals } = await client.call(listApprovals, { status: 'pending' })
    const hash = approvals.find((one) => one.execution_id === execution_id)?.plan_hash ?? ''
    await world.visit(
      '/inbox',
      async (page) => {
        await page.getByText('delete old.txt').first().waitFor()
        await page.keyboard.press('j')
        await page.keyboard.press('Enter')
        await page.waitForURL(/\/inbox\/[0-9a-f-]{36}/)
        const approve = page.getByRole('button', { name: /^Approve/ })
        await approve.waitFor()
        expect(await approve.getAttribute('aria-disabled')).toBe('true')
        await page.keyboard.press('a')
        await page.keyboard.type('0'.repeat(HASH_CHARS))
        await page.keyboard.press('Enter')
        expect(await approve.getAttribute('title')).toMatch(/first 6 characters/)
        expect(existsSync(inWorkspace('old.txt'))).toBe(true)
        await page.keyboard.press('Control+a')
        await page.keyboard.type(hash.slice(0, HASH_CHARS))
        await page.keyboard.press('Enter')
        await page
          .getByText(/Approved/)
          .first()
          .waitFor()
      },
      APPROVER,
    )
    await until(async () => (await statusOf(execution_id)) === 'done', { what: 'the deletion' })
    expect(existsSync(inWorkspace('old.txt'))).toBe(false)
    const { rows } = await client.call(exportAudit, { execution_id })
    expect(rows.map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ decision: 'approve', channel: 'console', factor: 'typed' }),
    )
  })

  it('denies with a reason, and nothing of the plan runs', async () => {
    await world.under.client.call(requestExecution, { task: 'write "kept" to kept.txt' })
    const execution_id = await waiting('delete kept.txt')
    await world.visit(
      '/inbox',
      async (page) => {
        await page.getByText('delete kept.txt').first().waitFor()
        await page.keyboard.press('j')
        await page.keyboard.press('Enter')
        await page.getByRole('button', { name: /^Deny/ }).waitFor()
        await page.keyboard.press('d')
        await page.keyboard.type('it is needed')
        await page.keyboard.press('Enter')
        await page
          .getByText(/Denied/)
          .first()
          .waitFor()
      },
      APPROVER,
    )
    await until(async () => (await statusOf(execution_id)) === 'denied', { what: 'the denial' })
    expect(existsSync(inWorkspace('kept.txt'))).toBe(true)
  })

  it('takes the result of what a person has done, and the execution ends with it', async () => {
    const execution_id = await waiting('ask a person to check the seals of pump 3')
    await world.visit(
      '/inbox',
      async (page) => {
        await page.getByText('check the seals of pump 3').first().waitFor()
        await page.keyboard.press('j')
        await page.keyboard.press('Enter')
        await page.getByRole('button', { name: /Provide the result/ }).waitFor()
        await tabTo(page, 'Provide the result')
        await page.keyboard.press('Enter')
        await page.getByLabel('What was done or found').waitFor()
        await page.keyboard.type('the seals hold')
        await tabTo(page, 'Provide the result')
        await page.keyboard.press('Enter')
        await until(async () => (await statusOf(execution_id)) === 'done', { what: 'the result' })
      },
      APPROVER,
    )
    const { result } = await world.under.client.call(getExecution, { execution_id })
    expect(result?.text).toContain('the seals hold')
  })

  it('says on the first screen that a service has died, and that it is back', async () => {
    const executor = world.under.mesh.service('executor')
    await world.visit('/', async (page) => {
      await page.getByRole('region', { name: 'what is wrong, and who waits' }).waitFor()
      await executor.kill()
      await page.getByText(EXECUTOR_AWAY).first().waitFor()
      await executor.start()
      await page.getByText(EXECUTOR_AWAY).first().waitFor({ state: 'detached' })
    })
  })
})
