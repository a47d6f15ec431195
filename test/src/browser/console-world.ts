/** A mesh whose console people open in a browser. */
import { type MeshUnderTest, meshUnderTest, type Setting } from '@deed/drill/harness/mesh-under-test'
import { linkConsole } from '@deed/proto/console'
import type { ConsoleRole } from '@deed/proto/permissions'
import type { Page } from 'playwright-core'
import { openBrowser, type PageOptions } from './open-browser.ts'

export interface Visit extends PageOptions {
  /** Default: `user`, who requests. */
  user?: string
  /** Default: `admin`. */
  role?: ConsoleRole
  /** Default: `127.0.0.1`. Passkeys need a name. */
  host?: 'localhost'
}

export interface ConsoleWorld extends AsyncDisposable {
  readonly under: MeshUnderTest
  /** Opens a page of the console, signed in by a link of its own, and fails by what goes wrong in the page. */
  visit<Result>(path: string, work: (page: Page) => Promise<Result>, visit?: Visit): Promise<Result>
}

export async function consoleWorld(setting?: Setting): Promise<ConsoleWorld> {
  await using opened = new AsyncDisposableStack()
  const under = opened.use(await meshUnderTest(setting))
  const browser = opened.use(await openBrowser())
  const kept = opened.move()
  return {
    under,
    async visit(path, work, { user = 'user', role = 'admin', host, ...options } = {}) {
      const { url } = await under.client.call(linkConsole, { user, role })
      const address = new URL(url)
      if (host !== undefined) address.hostname = host
      const { origin, hash } = address
      return browser.withPage(options, async (page) => {
        await page.goto(`${origin}${path}${hash}`)
        // On a narrow screen it is there, and hidden.
        await page.locator('nav').waitFor({ state: 'attached' })
        return work(page)
      })
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
