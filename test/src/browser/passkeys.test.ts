// Approving in the console with a passkey, of an authenticator that Chromium itself plays.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import { listApprovals } from '@deed/proto/approval'
import { exportAudit } from '@deed/proto/audit'
import { requestExecution } from '@deed/proto/execution'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withoutBrowser } from './chromium.ts'
import { type ConsoleWorld, consoleWorld } from './console-world.ts'

const APPROVER = { user: 'approver', role: 'approver', host: 'localhost' } as const

const opened = new AsyncDisposableStack()
let world: ConsoleWorld

/** Requests the deletion of a file, which is of level 2. @returns what waits for a person */
async function askedToDelete(name: string) {
  const { client } = world.under
  await client.call(requestExecution, { task: `write "old" to ${name}` })
  const { execution_id } = await client.call(requestExecution, { task: `delete ${name}`, mode: 'background' })
  return until(async () => {
    const { approvals } = await client.call(listApprovals, { execution_id, status: 'pending' })
    return approvals[0]
  })
}

/** Sends a decision with the rights of the page, as a script in it could. @returns the status of the answer */
const decideAgain = (page: Page, headers: Record<string, string>, body: object): Promise<number> =>
  page.evaluate(
    async ([token, text]) => {
      const given = { 'content-type': 'application/json', 'x-deed-csrf': token }
      return (await fetch('/api/call/approval.decide', { method: 'POST', headers: given, body: text })).status
    },
    [headers['x-deed-csrf'] ?? '', JSON.stringify(body)] as const,
  )

async function addAuthenticator(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true },
      ...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    },
  })
}

describe.skipIf(withoutBrowser)(`passkeys in the console${withoutBrowser}`, () => {
  beforeAll(async () => {
    world = opened.use(await consoleWorld())
  })
  afterAll(() => opened.disposeAsync())

  it('approve level 2 without typing, just the plan that is shown, once, and are removed again', async () => {
    const [first, second] = [await askedToDelete('first.txt'), await askedToDelete('second.txt')]
    await world.visit(
      '/passkeys',
      async (page) => {
        await addAuthenticator(page)
        await page.getByLabel('Name of a new one').fill('laptop')
        await page.getByRole('button', { name: 'Add a passkey' }).click()
        await page.getByRole('list', { name: 'your passkeys' }).getByText('laptop').first().waitFor()

        await page.goto(new URL(`/inbox/${first.approval_id}`, page.url()).href)
        const decision = page.waitForRequest(/approval\.decide$/)
        await page.getByRole('button', { name: 'Approve with a passkey' }).click()
        const sent = await decision
        await page
          .getByText(/^Approved/)
          .first()
          .waitFor()
        await until(() => !existsSync(join(world.under.workspace, 'first.txt')), { what: 'the deletion' })

        const body = sent.postDataJSON() as object
        const headers = await sent.allHeaders()
        expect(await decideAgain(page, headers, body)).toBe(403)
        const { approval_id, plan_hash } = second
        expect(await decideAgain(page, headers, { ...body, approval_id, plan_hash })).toBe(403)
        const claimed = { confirmation: { channel: 'console', factor: 'passkey' } }
        expect(await decideAgain(page, headers, { decision: 'approve', approval_id, plan_hash, ...claimed })).toBe(409)
        expect(existsSync(join(world.under.workspace, 'second.txt'))).toBe(true)

        await page.goto(new URL('/passkeys', page.url()).href)
        await page.getByRole('button', { name: 'Remove laptop' }).click()
        await page.getByText('You have no passkeys.').waitFor()
      },
      { ...APPROVER, expected: [/40[39]/] },
    )
    const { rows } = await world.under.client.call(exportAudit, { execution_id: first.execution_id })
    expect(rows.map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ decision: 'approve', channel: 'console', factor: 'passkey' }),
    )
  })

  it('are not offered at an IP address, and the page says where they are', async () => {
    await world.visit('/passkeys', async (page) => {
      await page.getByText('Passkeys belong to a name').waitFor()
      expect(await page.getByRole('button', { name: 'Add a passkey' }).getAttribute('aria-disabled')).toBe('true')
    })
  })
})
