/** A browser for one test file, whose pages fail a test by what went wrong in them. */
import type { BrowserContextOptions, Page } from 'playwright-core'
import { startChromium } from './chromium.ts'

/** Of a desk, a telephone, and the narrowest that WCAG 2.2 asks for. */
export const WIDTHS = [1280, 390, 320] as const
export const THEMES = ['light', 'dark'] as const
const HEIGHT = 800
const WAIT_MS_MAX = 60_000

export interface PageOptions extends Pick<BrowserContextOptions, 'colorScheme' | 'reducedMotion' | 'forcedColors'> {
  width?: number
  /** What the test provokes, in the words of a fault. */
  expected?: readonly RegExp[]
}

export interface BrowserUnderTest extends AsyncDisposable {
  /**
   * Opens a page with cookies of its own, and closes it afterwards.
   *
   * @throws {Error} that names errors of the page, errors in its console, violations of its content policy, and requests
   *   that failed
   */
  withPage<Result>(options: PageOptions, work: (page: Page) => Promise<Result>): Promise<Result>
}

export async function openBrowser(): Promise<BrowserUnderTest> {
  const started = await startChromium()
  return {
    async withPage({ width = WIDTHS[0], expected = [], ...options }, work) {
      const context = await started.browser.newContext({ ...options, viewport: { width, height: HEIGHT } })
      try {
        context.setDefaultTimeout(WAIT_MS_MAX)
        const page = await context.newPage()
        const faults = faultsOf(page)
        const result = await work(page)
        const found = faults.filter((fault) => !expected.some((one) => one.test(fault)))
        if (found.length > 0) throw new Error(`${page.url()}:\n${found.join('\n')}`)
        return result
      } finally {
        await context.close()
      }
    },
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  }
}

/** What goes wrong from now on. Chromium reports violations of the content policy in the console. */
function faultsOf(page: Page): string[] {
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(`error: ${error.stack ?? error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()} (${message.location().url})`)
  })
  page.on('requestfailed', (request) => {
    // A page that is left aborts what it still waits for.
    const why = request.failure()?.errorText
    if (why !== 'net::ERR_ABORTED') faults.push(`request: ${request.method()} ${request.url()}: ${why}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`response: ${response.status()} ${response.url()}`)
  })
  return faults
}
