/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** WCAG 2.2 AA of a page: what axe finds, and what it cannot see. Each returns its findings; none is good. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
const STOPS_MAX = 300

interface AxeResult {
  violations: { id: string; help: string; nodes: { target: unknown[]; failureSummary?: string }[] }[]
}

/** Violations of WCAG 2.2 A and AA, as axe finds them. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const { violations } = (await page.evaluate(
    // biome-ignore lint/suspicious/noExplicitAny: axe has defined itself in the page
    (values) => (globalThis as any).axe.run(document, { runOnly: { type: 'tag', values } }),
    TAGS,
  )) as AxeResult
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary = '' }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`),
  )
}

/** 1.4.10: the page itself scrolls in one direction alone; tables may scroll within. */
export async function sidewaysFindings(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    if (scrollWidth <= clientWidth) return []
    const wide = [...document.querySelectorAll('body *')].filter(
      (one) => one.getBoundingClientRect().right > clientWidth,
    )
    const named = wide.slice(-3).map((one) => `${one.tagName.toLowerCase()}.${one.className}`)
    return [`the page is ${scrollWidth} px wide in a window of ${clientWidth} px: ${named.join(', ')}`]
  })
}

/** 1.4.4 and 1.4.10: what is read or pressed is whole, unless it scrolls, or is a line that ends in dots. */
export async function cutFindings(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found = new Set<string>()
    const stylesOf = (one: Element): CSSStyleDeclaration => getComputedStyle(one)
    for (const one of document.querySelectorAll('header.top *, main *')) {
      const read = [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim())
      if (!read && !one.matches('a, button, input, select, textarea')) continue
      const { left, right, top, bottom, width, height } = one.getBoundingClientRect()
      if (width <= 1 || height <= 1 || stylesOf(one).visibility === 'hidden' || one.closest('svg, .hidden')) continue
      const name = `${one.tagName.toLowerCase()}.${one.className} "${(one.textContent ?? '').trim().slice(0, 40)}"`
      let inside: Element | null = one
      for (; inside && inside !== document.body; inside = inside.parentElement) {
        const { overflowX, overflowY, textOverflow } = stylesOf(inside)
        if (textOverflow === 'ellipsis' || /auto|scroll/.test(overflowX)) break
        if (inside === one || !/hidden|clip/.test(`${overflowX} ${overflowY}`)) continue
        const box = inside.getBoundingClientRect()
        if (right > box.right + 1 || left < box.left - 1 || bottom > box.bottom + 1 || top < box.top - 1)
          found.add(`${name} is cut by ${inside.tagName.toLowerCase()}.${inside.className}`)
      }
      if (inside === document.body && (right > innerWidth + 1 || left < -1)) found.add(`${name} is cut by the window`)
    }
    return [...found]
  })
}

/** 1.4.4 and 1.4.10: a window of 1280 px at this zoom, which leaves as many pixels of CSS as a narrower one. */
export async function zoomFindings(page: Page, percent: 200 | 400): Promise<string[]> {
  const before = page.viewportSize()
  await page.setViewportSize({ width: (1280 * 100) / percent, height: (1024 * 100) / percent })
  const found = [...(await sidewaysFindings(page)), ...(await cutFindings(page))]
  if (before) await page.setViewportSize(before)
  return found.map((one) => `at ${percent} %: ${one}`)
}

/**
 * 2.1.1, 2.4.7 and 2.4.11: Tab leads through the page and out of it, and every stop is visible, uncovered, and marked.
 *
 * @param marks with forced colours an outline alone is one
 * @returns the number of stops, too
 */
export async function focusFindings(
  page: Page,
  marks: 'any' | 'outline' = 'any',
): Promise<{ stops: number; findings: string[] }> {
  const findings = new Set<string>()
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  for (let stops = 0; stops < STOPS_MAX; stops++) {
    await page.keyboard.press('Tab')
    const stop = await page.evaluate(stopOf, marks)
    if (stop === 'end') return { stops, findings: [...findings] }
    if (stop !== undefined) findings.add(stop)
  }
  return { stops: STOPS_MAX, findings: [...findings, `Tab does not lead out of the page after ${STOPS_MAX} stops`] }
}

/** In the page: what is wrong with the element that has the focus, or `end` where the walk has come round. */
function stopOf(marks: 'any' | 'outline'): string | undefined {
  const seen = globalThis as unknown as { walked?: WeakSet<Element> }
  const element = document.activeElement
  if (!element || element === document.body || element === document.documentElement) return end()
  seen.walked ??= new WeakSet()
  if (seen.walked.has(element)) return end()
  seen.walked.add(element)
  const name = `${element.tagName.toLowerCase()} "${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}"`
  const { left, right, top, bottom, width, height } = element.getBoundingClientRect()
  if (width === 0 || height === 0) return `${name} has the focus and no size`
  const [x0, x1] = [Math.max(left, 0), Math.min(right, innerWidth)]
  const [y0, y1] = [Math.max(top, 0), Math.min(bottom, innerHeight)]
  if (x0 >= x1 || y0 >= y1) return `${name} has the focus outside of the window`
  const uncovered = [0.1, 0.5, 0.9].some((x) =>
    [0.1, 0.5, 0.9].some((y) => {
      const at = document.elementFromPoint(x0 + (x1 - x0) * x, y0 + (y1 - y0) * y)
      return at !== null && (element.contains(at) || at.contains(element))
    }),
  )
  if (!uncovered) return `${name} has the focus and is covered`
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
  const outlined = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1
  if (!outlined && (marks === 'outline' || boxShadow === 'none')) return `${name} has the focus and no mark of it`
  return undefined

  function end(): string {
    delete seen.walked
    return 'end'
  }
}

/** 2.3.3: with reduced motion, nothing moves. The page must have been opened with it. */
export async function motionFindings(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('body *')].flatMap((one) => {
      const { animationName, animationDuration, transitionDuration, scrollBehavior } = getComputedStyle(one)
      const long = (text: string): boolean => text.split(',').some((part) => Number.parseFloat(part) > 0.05)
      const name = `${one.tagName.toLowerCase()}.${one.className}`
      return [
        ...(animationName !== 'none' && long(animationDuration) ? [`${name} is animated: ${animationName}`] : []),
        ...(long(transitionDuration) ? [`${name} has a transition of ${transitionDuration}`] : []),
        ...(scrollBehavior === 'smooth' ? [`${name} scrolls smoothly`] : []),
      ]
    }),
  )
}
