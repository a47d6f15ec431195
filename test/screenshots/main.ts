/** Writes a picture of every page of the console, in both themes and at two widths: `npm run screenshots -- --help`. */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startTestRun } from '@deed/local/test-run'
import { withoutBrowser } from '../src/browser/chromium.ts'
import { consoleUnderTest, openPath, ordinaryDay, pathsOf } from '../src/browser/console-mesh.ts'
import { openBrowser, THEMES } from '../src/browser/open-browser.ts'
import { organizationPaths } from '../src/browser/organization-day.ts'

const HELP = `Usage: npm run screenshots -- [--out <folder>] [--only a,b] [--docs]

Starts a mesh with a console and a few executions, and writes each page as
<page>-<theme>-<width>.png.

  --out <folder>   default: screenshots
  --only a,b       pages with one of these words in their names
  --docs           also write the pictures of docs/pictures
`
const WIDTHS = [1280, 390]
const PICTURES = resolve(import.meta.dirname, '../../docs/pictures')

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'screenshots' },
    only: { type: 'string', default: '' },
    docs: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) process.stdout.write(HELP)
else if (withoutBrowser) throw new Error(`no pictures${withoutBrowser}`)
else await takePictures(resolve(values.out))

async function takePictures(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  await using _run = await startTestRun()
  await using under = await consoleUnderTest()
  await using browser = await openBrowser()
  const day = await ordinaryDay(under)
  /** The pages that docs/pictures shows, light and wide. */
  const shown = new Map([
    ['/', 'console-overview'],
    ['/inbox', 'console-inbox'],
    ['/executions', 'console-executions'],
    [`/executions/${day.executions.approved}`, 'console-execution'],
  ])
  const executions = Object.entries(day.executions).map(
    ([name, id]) => [`/executions/${id}`, `execution-${name}`] as const,
  )
  const organization = organizationPaths(day.organization).map((path, at) => [path, `organization-${at + 1}`] as const)
  for (const colorScheme of THEMES)
    for (const width of WIDTHS)
      await browser.withPage({ colorScheme, width, expected: [/401/] }, async (page) => {
        await under.signIn(page)
        const listed = (await pathsOf(page)).map((path) => [path, path.slice(1) || 'overview'] as const)
        for (const [path, name] of [...listed, ...executions, ...organization].filter(([, one]) =>
          values.only.split(',').some((word) => one.includes(word)),
        )) {
          await openPath(page, path)
          const file = join(folder, `${name}-${colorScheme}-${width}.png`)
          await page.screenshot({ path: file, fullPage: true })
          process.stdout.write(`${file}\n`)
          const picture = shown.get(path)
          if (values.docs && picture !== undefined && colorScheme === 'light' && width === WIDTHS[0])
            await page.screenshot({ path: join(PICTURES, `${picture}.png`) })
        }
      })
}
