// The console in a real browser, over a whole mesh: a person signs in by a link, and every page of the navigation is held to
// WCAG 2.2 AA, in both themes, at the widths of a desk and of a telephone.
import { requestExecution } from '@deed/proto/execution'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  axeFindings,
  cutFindings,
  focusFindings,
  motionFindings,
  sidewaysFindings,
  zoomFindings,
} from './accessibility.ts'
import { withoutBrowser } from './chromium.ts'
import { type ConsoleUnderTest, consoleUnderTest, openPath, ordinaryDay, pathsOf } from './console-mesh.ts'
import { type BrowserUnderTest, openBrowser, THEMES, WIDTHS } from './open-browser.ts'
import { organizationPaths } from './organization-day.ts'

const opened = new AsyncDisposableStack()
let browser: BrowserUnderTest
let under: ConsoleUnderTest
let day: Awaited<ReturnType<typeof ordinaryDay>>

describe.skipIf(withoutBrowser)(`the console in a browser${withoutBrowser}`, () => {
  beforeAll(async () => {
    under = opened.use(await consoleUnderTest())
    browser = opened.use(await openBrowser())
    day = await ordinaryDay(under)
  })
  afterAll(() => opened.disposeAsync())

  /** Findings of each page of the navigation, and of an execution, by address. */
  async function onEachPage(page: Page, find: (path: string) => Promise<string[]>): Promise<Record<string, string[]>> {
    await under.signIn(page)
    const found: Record<string, string[]> = {}
    const { executions, organization } = day
    const paths = [executions.approved, executions.waiting].map((id) => `/executions/${id}`)
    for (const path of [...(await pathsOf(page)), ...paths, ...organizationPaths(organization)]) {
      await openPath(page, path)
      const findings = await find(path)
      if (findings.length > 0) found[path] = findings
    }
    return found
  }

  it('signs a person in by a link that works once, and forgets the token', async () => {
    await browser.withPage({ expected: [/401/] }, async (page) => {
      await under.signIn(page)
      expect(page.url()).not.toContain('token')
      await expect(page.title()).resolves.toMatch(/Overview · Deed$/)
      await page.getByRole('button', { name: 'sign out' }).click()
      await page.getByRole('heading', { name: 'Deed', exact: true }).waitFor()
      await page.getByLabel('Token').waitFor()
    })
  })

  it('shows an execution that begins elsewhere without a reload', async () => {
    await browser.withPage({ expected: [/401/] }, async (page) => {
      await under.signIn(page)
      await openPath(page, '/executions')
      await under.client.call(requestExecution, { task: 'create the folder live' })
      await page.getByText('create the folder live').first().waitFor()
    })
  })

  it.each(THEMES.flatMap((colorScheme) => [WIDTHS[0], WIDTHS[2]].map((width) => ({ colorScheme, width }))))(
    'has no violation that axe finds, and no page that scrolls sideways: %j',
    async (options) => {
      await browser.withPage({ ...options, expected: [/401/] }, async (page) => {
        const find = async () => [...(await axeFindings(page)), ...(await sidewaysFindings(page))]
        expect(await onEachPage(page, find)).toEqual({})
      })
    },
  )

  it('can be zoomed to 200 % and 400 %, and read at 390 px, on every page: nothing is cut', async () => {
    await browser.withPage({ expected: [/401/] }, async (page) => {
      const find = async () => {
        const found = await cutFindings(page)
        for (const percent of [200, 400] as const) found.push(...(await zoomFindings(page, percent)))
        await page.setViewportSize({ width: WIDTHS[1], height: 800 })
        found.push(...(await sidewaysFindings(page)), ...(await cutFindings(page)))
        await page.setViewportSize({ width: WIDTHS[0], height: 800 })
        return found
      }
      expect(await onEachPage(page, find)).toEqual({})
    })
  })

  it.each([WIDTHS[0], WIDTHS[2]])('leads Tab through every page with a focus that is seen, at %i px', async (width) => {
    await browser.withPage({ width, expected: [/401/] }, async (page) => {
      const find = async () => {
        const { stops, findings } = await focusFindings(page)
        return stops > 0 ? findings : ['Tab stops nowhere']
      }
      expect(await onEachPage(page, find)).toEqual({})
    })
  })

  it('has its help, and the way out, at the same place on every page', async () => {
    await browser.withPage({ expected: [/401/] }, async (page) => {
      const places = new Set<string>()
      await onEachPage(page, async () => {
        for (const name of ['keys', 'sign out']) {
          const { x, y } = (await page.getByRole('button', { name, exact: true }).boundingBox()) ?? { x: -1, y: -1 }
          places.add(`${name} ${Math.round(x)} ${name === 'keys' ? Math.round(y) : ''}`)
        }
        // A page whose field has the focus takes the key itself.
        await page.getByRole('button', { name: 'keys', exact: true }).click()
        const keys = page.getByRole('dialog').getByText('this list')
        const listed = await keys.waitFor().then(
          () => true,
          () => false,
        )
        await page.keyboard.press('Escape')
        await keys.waitFor({ state: 'hidden' })
        return listed ? [] : ['the help does not list the keys']
      }).then((found) => expect(found).toEqual({}))
      expect([...places]).toHaveLength(2)
    })
  })

  it('asks for nothing to be remembered, typed again or dragged: a token is pasted, a range is typed', async () => {
    await browser.withPage({ expected: [/401/] }, async (page) => {
      await under.signIn(page)
      await openPath(page, `/executions/${day.executions.approved}?view=timeline`)
      await page.getByLabel('from, in seconds').fill('0.001')
      await page.keyboard.press('Tab')
      await page.waitForURL(/from=0\.001/)
      await page.getByRole('button', { name: 'show all' }).click()
      // The same by dragging.
      const { x, y, width } = (await page.locator('.axis').boundingBox()) ?? { x: 0, y: 0, width: 0 }
      await page.mouse.move(x + width / 4, y + 4)
      await page.mouse.down()
      await page.mouse.move(x + width / 2, y + 4, { steps: 4 })
      await page.mouse.up()
      await page.waitForURL(/from=[\d.]+&to=[\d.]+/)
      await openPath(page, '/new')
      await page.getByLabel('Task, in plain words').fill('write "twice" to twice.txt')
      await page.getByRole('button', { name: 'Dry run' }).click()
      await page.getByRole('region', { name: 'the plan' }).waitFor()
      expect(await page.getByLabel('Task, in plain words').inputValue()).toBe('write "twice" to twice.txt')
      await page.getByRole('button', { name: 'sign out' }).click()
      const token = page.getByLabel('Token')
      expect(await token.getAttribute('autocomplete')).toBe('current-password')
      const pasted = await token.evaluate((field) =>
        field.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true })),
      )
      expect(pasted).toBe(true)
      expect(await axeFindings(page)).toEqual([])
    })
  })

  it('marks the focus with forced colours, and moves nothing with reduced motion', async () => {
    await browser.withPage({ forcedColors: 'active', reducedMotion: 'reduce', expected: [/401/] }, async (page) => {
      const find = async () => [...(await focusFindings(page, 'outline')).findings, ...(await motionFindings(page))]
      expect(await onEachPage(page, find)).toEqual({})
    })
  })
})
