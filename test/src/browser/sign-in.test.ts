// Signing in to the console with a provider of OpenID Connect, as a person does it: to the provider, and back.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { freePort } from '@deed/local/kept-port'
import { temporaryFolder } from '@deed/local/temporary-folder'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENT_ID, CLIENT_SECRET, type OidcProvider, startOidcProvider } from '../oidc-provider.ts'
import { withoutBrowser } from './chromium.ts'
import { type BrowserUnderTest, openBrowser } from './open-browser.ts'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let browser: BrowserUnderTest
let provider: OidcProvider
let base: string

describe.skipIf(withoutBrowser)(`signing in with a provider${withoutBrowser}`, () => {
  beforeAll(async () => {
    const port = await freePort()
    base = `http://127.0.0.1:${port}`
    provider = opened.use(await startOidcProvider({ redirectUrl: `${base}/sign-in` }))
    provider.people.ann = { groups: ['deed-approvers'], preferred_username: 'ann' }
    provider.people.bob = { groups: ['everybody'], preferred_username: 'bob' }
    const secret = join(opened.use(temporaryFolder()).path, 'secret')
    writeFileSync(secret, `${CLIENT_SECRET}\n`, { mode: 0o600 })
    const oidc = {
      ...{ issuer: provider.issuer, client_id: CLIENT_ID, client_secret_file: secret, sign_out_of_provider: true },
      ...{ user_claim: 'preferred_username', roles: { 'deed-approvers': 'approver' } },
    }
    under = opened.use(await meshUnderTest({ config: `console: ${JSON.stringify({ port, oidc })}\n` }))
    browser = opened.use(await openBrowser())
  })
  afterAll(() => opened.disposeAsync())

  /** From a page of the console to the provider, and back. */
  async function signIn(page: Page, path: string, name: string): Promise<void> {
    await page.goto(`${base}${path}`)
    await page.getByRole('button', { name: `Sign in with ${new URL(provider.issuer).host}` }).click()
    await page.getByLabel('Name').fill(name)
    await page.getByRole('button', { name: 'Enter' }).click()
  }

  it('leads back to where one was, in the role of the group, and signs out of both', async () => {
    // Nobody is signed in at first.
    await browser.withPage({ expected: [/401/] }, async (page) => {
      await signIn(page, '/executions?status=failed', 'ann')
      await page.getByRole('region', { name: 'you' }).getByText('local.ann').waitFor()
      expect(page.url()).toBe(`${base}/executions?status=failed`)
      expect(await page.getByRole('region', { name: 'you' }).textContent()).toContain('approver')
      await page.getByRole('button', { name: 'sign out' }).click()
      await page.waitForURL(`${provider.issuer}/**`)
      await page.getByRole('button', { name: /yes/i }).click()
      await page.waitForURL(`${base}/`)
      await page.getByRole('button', { name: /^Sign in with/ }).waitFor()
    })
    const log = under.log('console')
    expect(log).toContain('"by_provider":true')
    for (const secret of [CLIENT_SECRET, 'code=', 'id_token']) expect(log).not.toContain(secret)
  })

  it('ends at once, in every tab, when the provider ends its session', async () => {
    await browser.withPage({ expected: [/401/] }, async (page) => {
      await signIn(page, '/executions', 'ann')
      await page.locator('.connection.live').waitFor()
      const elsewhere = await page.context().newPage()
      await elsewhere.goto(`${provider.issuer}/session/end`)
      await elsewhere.getByRole('button', { name: /yes/i }).click()
      await page.getByRole('button', { name: /^Sign in with/ }).waitFor()
      expect((await page.request.get(`${base}/api/session`)).status()).toBe(401)
    })
    expect(under.log('console')).toContain('the provider ended sessions')
  })

  it('is refused to a person without a role, with a sentence that names the key', async () => {
    await browser.withPage({ expected: [/401/, /403/] }, async (page) => {
      await signIn(page, '/', 'bob')
      expect(await page.getByRole('alert').textContent()).toContain('console.oidc.roles')
      expect(page.url()).toBe(`${base}/`)
    })
  })

  it('is not possible with an answer that this browser has not asked for', async () => {
    await browser.withPage({ expected: [/401/, /403/] }, async (page) => {
      await page.goto(`${base}/sign-in?code=x&state=y&iss=${encodeURIComponent(provider.issuer)}`)
      expect(await page.getByRole('alert').textContent()).toContain('began in another browser')
    })
  })
})
