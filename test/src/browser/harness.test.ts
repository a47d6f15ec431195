// What fails a browser test, on pages that do it on purpose: each is found, and a page without a fault passes.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
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
import { type BrowserUnderTest, openBrowser, type PageOptions, THEMES, WIDTHS } from './open-browser.ts'

const POLICY = "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'none'"
const GOOD = `
  <style>:focus-visible { outline: 2px solid blue } @media (prefers-reduced-motion: no-preference) { main { transition: all 1s } }</style>
  <main><h1>A page</h1><a href="/other">a link</a> <button>a button</button></main>`

const opened = new AsyncDisposableStack()
let browser: BrowserUnderTest
let server: Server
let body = GOOD

describe.skipIf(withoutBrowser)(`a page in a browser${withoutBrowser}`, () => {
  beforeAll(async () => {
    browser = opened.use(await openBrowser())
    server = createServer(({ url }, response) => {
      if (url === '/broken') return response.destroy()
      response.setHeader('content-type', 'text/html; charset=utf-8').setHeader('content-security-policy', POLICY)
      if (url === '/missing') response.statusCode = 404
      if (url === '/favicon.ico') response.statusCode = 204
      return response.end(
        url === '/' ? `<!doctype html><html lang="en"><title>A page</title>${body}</html>` : undefined,
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    opened.defer(() => new Promise<void>((resolve) => server.close(() => resolve())))
  })
  afterAll(() => opened.disposeAsync())

  function open<Result>(
    html: string,
    work: (page: Page) => Promise<Result>,
    options: PageOptions = {},
  ): Promise<Result> {
    body = html
    return browser.withPage(options, async (page) => {
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      await page.waitForLoadState('networkidle')
      return work(page)
    })
  }

  it('passes if it has no fault', async () => {
    for (const width of WIDTHS)
      for (const colorScheme of THEMES) await open(GOOD, async () => undefined, { width, colorScheme })
  })

  it.each([
    ['an error', `<script>throw new Error('it broke')</script>`, /error: .*it broke/],
    ['a rejected promise', `<script>Promise.reject(new Error('it broke'))</script>`, /error: .*it broke/],
    ['an error in its console', `<script>console.error('it broke')</script>`, /console: it broke/],
    ['a violation of its content policy', '<img src="/a.png" alt="">', /console: .*Content Security Policy/],
    ['a request that failed', `<script>fetch('/broken').catch(() => 0)</script>`, /request: GET .*\/broken/],
    ['a response that is an error', `<script>fetch('/missing')</script>`, /response: 404 .*\/missing/],
  ])('fails by %s', async (_, html, fault) => {
    await expect(open(GOOD + html, async () => undefined)).rejects.toThrow(fault)
    await open(GOOD + html, async () => undefined, { expected: [/./] })
  })

  it('is checked by axe, under a content policy that forbids eval', async () => {
    expect(await open(GOOD, axeFindings)).toEqual([])
    const findings = await open(`${GOOD}<input><p style="color: #ccc">pale</p>`, axeFindings)
    expect(findings.join('\n')).toMatch(/label: .*\n.*color-contrast|color-contrast: .*\n.*label/s)
  })

  it('scrolls sideways, or not, at any zoom', async () => {
    expect(await open(GOOD, sidewaysFindings)).toEqual([])
    expect(await open(GOOD, (page) => zoomFindings(page, 400))).toEqual([])
    const wide = `${GOOD}<div style="width: 500px">wide</div>`
    expect(await open(wide, sidewaysFindings)).toEqual([])
    expect(await open(wide, sidewaysFindings, { width: 320 })).toHaveLength(1)
    expect(await open(wide, (page) => zoomFindings(page, 200))).toEqual([])
    expect(await open(wide, (page) => zoomFindings(page, 400))).toMatchObject([/at 400 %/])
  })

  it('cuts what is read, or scrolls it, or ends it in dots', async () => {
    const cut = (style: string) =>
      open(
        `${GOOD.replace('</main>', '')}<div style="width: 60px; white-space: nowrap; ${style}"><b>${'word '.repeat(9)}</b></div></main>`,
        cutFindings,
      )
    expect(await open(GOOD, cutFindings)).toEqual([])
    expect(await cut('overflow: hidden')).toMatchObject([/word.*is cut by div/])
    expect(await cut('overflow: auto')).toEqual([])
    expect(await cut('overflow: hidden; text-overflow: ellipsis')).toEqual([])
    expect(await cut('position: relative; left: 1250px')).toMatchObject([/word.*is cut by the window/])
  })

  it('is walked by Tab: what is covered, outside, or unmarked is found', async () => {
    expect(await open(GOOD, (page) => focusFindings(page))).toEqual({ stops: 2, findings: [] })
    const of = async (html: string) => (await open(GOOD + html, (page) => focusFindings(page))).findings
    expect(await of('<div style="position: fixed; inset: 0; background: white"></div>')).toMatchObject([
      /a link.*covered/,
      /a button.*covered/,
    ])
    expect(await of('<button style="position: fixed; left: -500px">away</button>')).toMatchObject([/away.*outside/])
    expect(await of('<button style="outline: none">bare</button>')).toMatchObject([/bare.*no mark/])
    const shadow = '<button style="outline: none; box-shadow: 0 0 0 2px blue">shadow</button>'
    expect(await of(shadow)).toEqual([])
    const forced = (page: Page) => focusFindings(page, 'outline')
    const { findings } = await open(GOOD + shadow, forced, { forcedColors: 'active' })
    expect(findings).toMatchObject([/shadow.*no mark/])
  })

  it('moves, or not, if motion is to be reduced', async () => {
    expect(await open(GOOD, motionFindings, { reducedMotion: 'reduce' })).toEqual([])
    expect(await open(GOOD, motionFindings, { reducedMotion: 'no-preference' })).toMatchObject([/main.*transition/])
  })
})
