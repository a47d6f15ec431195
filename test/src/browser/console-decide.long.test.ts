// Deciding in the console, by keyboard: an approval of level 2 by the hash of its plan, a task that a person does; and a
// service that dies while somebody looks.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import { listApprovals } from '@deed/proto/approval'
import { exportAudit } from '@deed/proto/audit'
import { type ExecutionReply, getExecution, requestExecution } from '@deed/proto/execution'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sidewaysFindings } from './accessibility.ts'
import { withoutBrowser } from './chromium.ts'
import { type ConsoleWorld, consoleWorld } from './console-world.ts'
import { proposer, voter } from './organization-day.ts'

const APPROVER = { user: 'approver', role: 'approver' } as const
const HASH_CHARS = 6
/** Others may be slow to answer on a busy machine. */
const EXECUTOR_AWAY = /executor\b.* not answer/

/** Of a telephone far from a mast; throughputs in bytes per second. */
const SLOW_NETWORK = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 25_000 }

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
    world = opened.use(await consoleWorld({ supervise: false, thinkers: 'apart' }))
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

  it('opens the plan that replaced one whose target changed after it was read, and binds to that one alone', async () => {
    const { client } = world.under
    await client.call(requestExecution, { task: 'write "read" to changing.txt' })
    const execution_id = await waiting('delete changing.txt')
    const pending = async () =>
      (await client.call(listApprovals, { status: 'pending' })).approvals.find(
        (one) => one.execution_id === execution_id,
      )
    const first = await pending()
    await world.visit(
      `/inbox/${first?.approval_id}`,
      async (page) => {
        const decision = page.getByRole('complementary', { name: 'decision' })
        await decision
          .getByRole('textbox')
          .first()
          .fill((first?.plan_hash ?? '').slice(0, HASH_CHARS))
        writeFileSync(inWorkspace('changing.txt'), 'written by another one')
        await page.keyboard.press('Enter')
        await page.getByText('The plan changed, so that this approval holds no longer').waitFor()
        expect(existsSync(inWorkspace('changing.txt'))).toBe(true)
        const second = await pending()
        expect(second?.plan_hash).not.toBe(first?.plan_hash)
        await page.getByRole('link', { name: 'Open the approval of the new plan' }).click()
        await page.waitForURL(`**/inbox/${second?.approval_id}`)
        const typed = decision.getByRole('textbox').first()
        await typed.fill((first?.plan_hash ?? '').slice(0, HASH_CHARS))
        expect(await page.getByRole('button', { name: /^Approve/ }).getAttribute('aria-disabled')).toBe('true')
        await typed.fill((second?.plan_hash ?? '').slice(0, HASH_CHARS))
        await page.keyboard.press('Enter')
        await until(() => !existsSync(inWorkspace('changing.txt')), { what: 'the deletion' })
      },
      APPROVER,
    )
  })

  it('is done on a telephone without a keyboard, over a slow network: approve, deny and cancel, at 320 px', async () => {
    const { client } = world.under
    const ids: ExecutionReply['execution_id'][] = []
    for (const name of ['one', 'two', 'three']) {
      await client.call(requestExecution, { task: `write "x" to phone-${name}.txt` })
      ids.push(await waiting(`delete phone-${name}.txt`))
    }
    await world.visit(
      '/inbox',
      async (page) => {
        const devtools = await page.context().newCDPSession(page)
        await devtools.send('Network.emulateNetworkConditions', SLOW_NETWORK)
        await page.reload()
        await page.getByRole('link', { name: /phone-one/ }).click()
        await page.waitForURL(/\/inbox\/[0-9a-f-]{36}/)
        const hash = (await page.locator('code.hash mark').textContent()) ?? ''
        const approve = page.getByRole('button', { name: /^Approve/ })
        await page.getByRole('complementary', { name: 'decision' }).getByRole('textbox').first().fill(hash)
        await approve.click()
        await until(() => !existsSync(inWorkspace('phone-one.txt')), { what: 'the deletion' })
        await page.getByRole('link', { name: 'Inbox' }).last().click()
        await page.getByRole('link', { name: /phone-two/ }).click()
        await page.getByRole('button', { name: /^Deny/ }).click()
        await until(async () => (await statusOf(ids[1] as (typeof ids)[number])) === 'denied', { what: 'the denial' })
        await page.getByRole('button', { name: 'menu' }).click()
        await page.getByRole('link', { name: /^Executions/ }).click()
        await page
          .getByRole('link', { name: /phone-three/ })
          .first()
          .click()
        await page.getByRole('button', { name: 'Cancel', exact: true }).click()
        await page.getByRole('button', { name: 'Cancel it' }).click()
        await until(async () => (await statusOf(ids[2] as (typeof ids)[number])) === 'cancelled', { what: 'the end' })
        expect(await sidewaysFindings(page)).toEqual([])
        expect([existsSync(inWorkspace('phone-two.txt')), existsSync(inWorkspace('phone-three.txt'))]).toEqual([
          true,
          true,
        ])
      },
      { ...APPROVER, width: 320 },
    )
  })

  it('counts what waits in the title of a tab that nobody sees, and reads nothing else for it', async () => {
    await world.under.client.call(requestExecution, { task: 'write "x" to unseen.txt' })
    await world.visit('/executions', async (page) => {
      await page.locator('.connection.live').waitFor()
      await page
        .getByRole('link', { name: /unseen/ })
        .first()
        .waitFor()
      const titled = async () => Number(/^\((\d+)\) /.exec(await page.title())?.[1] ?? 0)
      const { client } = world.under
      const pending = async () => (await client.call(listApprovals, { status: 'pending' })).approvals.length
      await expect.poll(titled).toBe(await pending())
      // Chromium without a window shows every tab.
      await page.evaluate(() => {
        Object.defineProperty(document, 'hidden', { value: true })
        document.dispatchEvent(new Event('visibilitychange'))
      })
      const read = new Set<string>()
      page.on('request', (request) => read.add(new URL(request.url()).pathname))
      await waiting('delete unseen.txt')
      await expect.poll(titled).toBe(await pending())
      expect(await titled()).toBeGreaterThan(0)
      expect([...read]).toEqual(['/api/call/approval.list'])
    })
  })

  it('puts a decision of the organization to a person, and the open page shows votes and the answer as they come', async () => {
    const { client } = world.under
    const [propose, vote] = [proposer(client), voter(client)]
    const voted = await propose('cto', 'technology', { name: 'Queues' })
    const asked = await propose('ceo', 'allocation', { name: 'Faster tests', amount: 250 })
    await world.visit(
      '/organization',
      async (page) => {
        const table = page.getByRole('table', { name: 'decisions' })
        await table.getByText('0 of 2 votes').waitFor()
        await vote('senior_architect', voted.decision_id, 'approve')
        await table.getByText('1 of 2 votes').waitFor()
        await page.getByText('1 decision waits for a person').waitFor()
        await page.getByRole('link', { name: /Faster tests/ }).click()
        await page.waitForURL(`**/organization?decision=${asked.decision_id}`)
        // Text of programs is data.
        await page.getByText('\\u{202e}gnp.').first().waitFor()
        expect(await page.locator('main img, main script').count()).toBe(0)
        const link = page.getByRole('link', { name: 'Answer in the inbox', exact: true })
        await link.waitFor()
        const inbox = await page.context().newPage()
        await inbox.goto(new URL((await link.getAttribute('href')) ?? '', page.url()).href)
        await inbox.getByRole('link', { name: 'of the organization' }).waitFor()
        await inbox.getByRole('button', { name: /Provide the result/ }).click()
        await inbox.getByLabel('What was done or found').fill('yes')
        await inbox.getByRole('button', { name: 'Provide the result', exact: true }).click()
        await page.getByText('It changed $250.00').waitFor()
        await page.getByRole('link', { name: 'Money', exact: true }).click()
        await page.getByText('$250.00').first().waitFor()
        await page.getByRole('link', { name: 'faster-tests' }).waitFor()
      },
      APPROVER,
    )
  })

  it('says of the organization what there is not, what an address has wrong, and what to do without its service', async () => {
    const organization = world.under.mesh.service('organization')
    await world.visit(
      '/organization?view=memories&text=nothing-like-it',
      async (page) => {
        await page.getByText('No memory matches').waitFor()
        await page.keyboard.press('5')
        await page.waitForURL('**/organization?view=money')
        const { origin } = new URL(page.url())
        await page.goto(`${origin}/organization?view=nonsense`)
        await page.getByText('This address has filters that do not exist here').waitFor()
        await organization.kill()
        await page.goto(`${origin}/organization?view=roles&role=cto`)
        const again = page.getByRole('button', { name: 'Try again' })
        await again.waitFor()
        await organization.start()
        await page.getByText('May propose').waitFor()
      },
      { role: 'viewer', expected: [/50[34]|429/] },
    )
  })

  it('says since when a page is stale while the console is away, and continues by itself', async () => {
    const server = world.under.mesh.service('console')
    await world.visit(
      '/executions',
      async (page) => {
        await page.locator('.connection.live').waitFor()
        await server.kill()
        await page.getByText(/^stale since/).waitFor()
        expect(await page.locator('#main.stale').count()).toBe(1)
        const { execution_id } = await world.under.client.call(requestExecution, { task: 'create the folder missed' })
        await until(async () => (await statusOf(execution_id)) === 'done', { what: 'the folder' })
        await server.start()
        await page.locator('.connection.live').waitFor()
        await page.getByRole('link', { name: 'create the folder missed' }).waitFor()
      },
      { expected: [/ERR_CONNECTION|WebSocket/] },
    )
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
