/// <reference lib="dom" />
/** A mesh with its console, and executions in all the states that one finds on an ordinary day. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { decideApproval } from '@deed/proto/approval'
import { linkConsole } from '@deed/proto/console'
import { requestExecution } from '@deed/proto/execution'
import { putGoal } from '@deed/proto/goal'
import { putSchedule } from '@deed/proto/schedule'
import { rollbackExecution } from '@deed/proto/steering'
import type { Page } from 'playwright-core'
import { askedOf, endOf } from '../follow.ts'
import { organizationDay } from './organization-day.ts'

export interface ConsoleUnderTest extends MeshUnderTest {
  /** Opens the console, signed in by a link of its own. */
  signIn(page: Page): Promise<void>
}

export async function consoleUnderTest(): Promise<ConsoleUnderTest> {
  const under = await meshUnderTest()
  return {
    ...under,
    async signIn(page) {
      const { url } = await under.client.call(linkConsole, {})
      await page.goto(url)
      await ready(page)
    },
  }
}

/** Waits until the page is connected, and has loaded what it shows. */
export async function ready(page: Page): Promise<void> {
  await page.locator('.connection.live').waitFor()
  await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null)
}

/** Goes to a page as a person does who types its address. */
export async function openPath(page: Page, path: string): Promise<void> {
  await page.goto(new URL(path, page.url()).href)
  await ready(page)
}

/** The addresses in the navigation. */
export const pathsOf = (page: Page): Promise<string[]> =>
  page.locator('nav a').evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''))

const APPROVER = { principal: { tenant: 'local', user: 'approver' } }

/** Executions that are done, undone, denied, failed and waiting; a goal and a schedule; an organization. @returns their ids */
export async function ordinaryDay(under: MeshUnderTest) {
  const { client, workspace } = under
  mkdirSync(join(workspace, 'logs'))
  for (const name of ['old', 'older', 'oldest']) writeFileSync(join(workspace, `${name}.txt`), `${name}\n`)
  const request = async (task: string) =>
    (await client.call(requestExecution, { task, mode: 'background' })).execution_id
  const decided = async (task: string, decision: 'approve' | 'deny') => {
    const id = await request(task)
    const { approval_id, plan_hash } = await askedOf(under, id)
    await client.call(decideApproval, { approval_id, plan_hash, decision }, APPROVER)
    await endOf(under, id)
    return id
  }
  const done = await request('create the folder reports')
  const undone = await request('create the folder drafts')
  const failed = await request('sing a song about \u202egnos and <script>alert(1)</script>')
  for (const id of [done, undone, failed]) await endOf(under, id)
  await client.call(rollbackExecution, { execution_id: undone, reason: 'not needed' })
  const approved = await decided('delete old.txt', 'approve')
  const denied = await decided('delete older.txt', 'deny')
  const waiting = await request('delete oldest.txt')
  await askedOf(under, waiting)
  await client.call(putGoal, { name: 'reports-exist', task: 'create the folder reports', interval_ms: 60_000 })
  await client.call(putSchedule, { name: 'nightly', request: { task: 'create the folder nightly' }, cron: '0 3 * * *' })
  const organization = await organizationDay(client)
  return { executions: { done, undone, failed, approved, denied, waiting }, organization }
}
