// Requesting work in the console: the overview, the list of executions and the form for a new one, over the whole mesh.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { type ExecutionReply, getExecution, requestExecution } from '@deed/proto/execution'
import { ExecutionId } from '@deed/proto/ids'
import { listTemplates, recordTemplate } from '@deed/proto/template'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { axeFindings, focusFindings, motionFindings, sidewaysFindings } from './accessibility.ts'
import { withoutBrowser } from './chromium.ts'
import { type ConsoleWorld, consoleWorld } from './console-world.ts'
import { THEMES, WIDTHS } from './open-browser.ts'

/** Two intents that the same words mean. */
const TIDY = `pack: tidy
version: 1
description: Two ways to tidy up
rules:
${['archive', 'park']
  .map(
    (verb) => `  - name: ${verb}
    match: ${verb} the papers {list:file}
    paraphrases: ["tidy away {list}", "tidy {list} away"]
    actions: [{ title: "${verb} {{list}}", kind: file.move, input: { from: "{{list}}", to: "{{list}}.${verb}" } }]
    tests: [{ say: ${verb} the papers a.md, actions: [{ kind: file.move }] }]
`,
  )
  .join('')}`
const PRICED_MODEL = `
models:
  prices: { openai-compatible/priced: { prompt_usd_per_million: 1, answer_usd_per_million: 10 } }
  api_models: [openai-compatible/priced]
  api_urls: { openai-compatible: "http://127.0.0.1:1/v1" }
`
const HOSTILE = 'write "<img src=x onerror=alert(1)> \u202egnp.\u202c" to hostile.txt'

const opened = new AsyncDisposableStack()
let world: ConsoleWorld

const inWorkspace = (name: string): string => join(world.under.workspace, name)

/** Requests, and waits until it has one of these statuses. */
async function requested(
  task: string,
  ...statuses: ExecutionReply['status'][]
): Promise<ExecutionReply['execution_id']> {
  const { client } = world.under
  const { execution_id } = await client.call(requestExecution, { task, mode: 'background' })
  await until(async () => statuses.includes((await client.call(getExecution, { execution_id })).status), {
    what: `${task}: ${statuses.join(' or ')}`,
  })
  return execution_id
}

/** What a reader sees of the list, row by row. */
const rowsOf = (page: Page): Promise<string[]> => page.locator('.table-box tbody tr').allInnerTexts()

describe.skipIf(withoutBrowser)(`work in the console${withoutBrowser}`, () => {
  beforeAll(async () => {
    const rules = opened.use(temporaryFolder()).path
    writeFileSync(join(rules, 'tidy.yaml'), TIDY)
    // Nothing listens there.
    world = opened.use(
      await consoleWorld({ config: PRICED_MODEL, env: { RULES_DIR: rules, OLLAMA_HOST: 'http://127.0.0.1:1' } }),
    )
  })
  afterAll(() => opened.disposeAsync())

  it('begins with an overview that says that nothing is wrong, and, once somebody is asked, who waits', async () => {
    await world.visit('/', async (page) => {
      const attention = page.getByRole('region', { name: 'what is wrong, and who waits' })
      await attention.getByText('Nothing is wrong, and nobody waits for you.').waitFor()
      await requested('write "hello" to hello.txt', 'done')
      await page.getByRole('link', { name: '1 verified' }).waitFor()
      await requested('delete hello.txt', 'waiting')
      await attention.getByText('1 approval waits, up to level 2').waitFor()
      await expect.poll(() => page.title()).toBe('(1) Overview · Deed')
      await page.getByRole('link', { name: '1 verified' }).click()
      await page.waitForURL('**/executions?only=verified&since=24h')
      await expect.poll(() => rowsOf(page)).toEqual([expect.stringContaining('write "hello" to hello.txt')])
    })
  })

  it('takes a task in plain words by keyboard alone, shows its plan first, and runs it once', async () => {
    await world.visit('/', async (page) => {
      await page.getByRole('heading', { name: 'Overview' }).waitFor()
      await page.keyboard.press('g')
      await page.keyboard.press('n')
      await page.getByLabel('Task, in plain words').waitFor()
      await page.keyboard.type('write "by keyboard" to keys.txt')
      await page.getByRole('region', { name: 'how the words are understood' }).getByText('write keys.txt').waitFor()
      await page.keyboard.press('Control+Enter')
      const plan = page.getByRole('region', { name: 'the plan' })
      await plan.getByText('nothing was done, nothing was stored').waitFor()
      await plan.getByText('all of it can be undone').waitFor()
      expect(existsSync(inWorkspace('keys.txt'))).toBe(false)
      await page.keyboard.press('Shift+R')
      await page.waitForURL(/\/executions\/[0-9a-f-]{36}$/)
      await expect.poll(() => existsSync(inWorkspace('keys.txt'))).toBe(true)
      expect(readFileSync(inWorkspace('keys.txt'), 'utf8')).toBe('by keyboard')
      await page.keyboard.press('Escape')
      await expect.poll(() => rowsOf(page)).toContainEqual(expect.stringMatching(/done.*by keyboard/s))
    })
  })

  it('says before anything runs what models would cost at most, where no rule knows the words', async () => {
    await world.visit('/new?task=Please+compose+a+verse+about+money+for+me', async (page) => {
      await page.getByRole('button', { name: 'Dry run' }).click()
      const plan = page.getByRole('region', { name: 'the plan' })
      await plan.getByText(/about [$]0[.]\d+ · models at most [$][1-9]\d*[.]\d\d/).waitFor()
      expect(await axeFindings(page)).toEqual([])
    })
  })

  it('runs no plan whose form has changed since', async () => {
    await world.visit('/new?task=write+%22one%22+to+changed.txt', async (page) => {
      await page.getByRole('button', { name: 'Dry run' }).click()
      await page.getByRole('region', { name: 'the plan' }).waitFor()
      await page.getByLabel('Task, in plain words').fill('write "two" to changed.txt')
      const run = page.getByRole('button', { name: 'Run and watch' })
      await expect.poll(() => run.getAttribute('aria-disabled')).toBe('true')
      await expect.poll(() => run.getAttribute('title')).toMatch(/has changed/)
      await run.click({ force: true })
      await page.getByRole('button', { name: 'Dry run' }).click()
      await expect.poll(() => run.getAttribute('aria-disabled')).toBe('false')
      await expect.poll(() => page.url()).toContain('/new?task=write+%22two%22')
      expect(existsSync(inWorkspace('changed.txt'))).toBe(false)
    })
  })

  it('asks in place what words mean, and does what is answered', async () => {
    writeFileSync(inWorkspace('paper.md'), 'paper')
    await world.visit('/new?task=tidy+away+paper.md', async (page) => {
      await page.getByRole('button', { name: 'Dry run' }).click()
      const question = page.getByRole('region', { name: 'the plan' })
      await question.getByRole('button', { name: 'park' }).click()
      await page.waitForURL(/\/executions\/[0-9a-f-]{36}$/)
      const execution_id = page.url().split('/').at(-1) as ExecutionReply['execution_id']
      const { tasks } = await world.under.client.call(getExecution, { execution_id })
      expect(tasks.find(({ task_kind: kind }) => kind === 'choose')?.actual_status).toBe('done')
      await until(
        async () =>
          (await world.under.client.call(getExecution, { execution_id })).tasks.some(({ title }) =>
            title.startsWith('park'),
          ),
        {
          what: 'the plan of the answer',
        },
      )
    })
  })

  it('filters by its address, follows what happens, and steers many with a preview and a result for each', async () => {
    await requested('write "gone" to gone.txt', 'done')
    await requested('delete gone.txt', 'waiting')
    await world.visit('/executions?status=waiting', async (page) => {
      await expect.poll(() => rowsOf(page)).toContainEqual(expect.stringContaining('delete gone.txt'))
      await page.getByRole('button', { name: 'remove the filter Status' }).click()
      await page.waitForURL('**/executions')
      await expect.poll(async () => (await rowsOf(page)).join('\n')).toContain('write "gone" to gone.txt')
      // Without a reload: what is requested elsewhere.
      await requested('write "live" to live.txt', 'done')
      await expect.poll(async () => (await rowsOf(page))[0]).toMatch(/done.*live\.txt/s)
      await page.goBack()
      await page.waitForURL('**/executions?status=waiting')
      await page.goForward()
      await page.getByLabel(/^select all/).check()
      await page.getByRole('button', { name: 'Cancel', exact: true }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText(/^Cancels \d+, cannot \d+\.$/).waitFor()
      await dialog.getByText('it is done').first().waitFor()
      await dialog.getByRole('button', { name: /^Cancel \d/ }).click()
      await dialog.getByText(/executions? done, 0 refused/).waitFor()
      await page.keyboard.press('Escape')
      await page.locator('select[name=status]').selectOption('cancelled')
      await expect.poll(() => rowsOf(page)).toContainEqual(expect.stringContaining('delete gone.txt'))
    })
  })

  it('has one tab stop for a table, in which the arrow keys move, as the list of keys says', async () => {
    await requested('write "row" to row-one.txt', 'done')
    await requested('write "row" to row-two.txt', 'done')
    await world.visit('/executions?text=row-', async (page) => {
      await expect.poll(() => rowsOf(page)).toHaveLength(2)
      const box = page.locator('.table-box')
      const stops = () =>
        box.locator('a, button, input').evaluateAll((all) => all.filter((one) => one.tabIndex >= 0).length)
      const focused = () => page.evaluate(() => document.activeElement?.closest('tr')?.textContent ?? 'no row')
      expect(await box.locator('a, button, input').count()).toBeGreaterThan(4)
      expect(await stops()).toBe(1)
      await box.locator('a, button, input').evaluateAll((all) => all.find((one) => one.tabIndex >= 0)?.focus())
      expect(await focused()).toContain('row-two')
      // A key that is pressed while the list is read again is one too few; in the last row one more changes nothing.
      const down = async () => {
        await page.keyboard.press('ArrowDown')
        return focused()
      }
      await expect.poll(down).toContain('row-one')
      expect(await stops()).toBe(1)
      await page.keyboard.press('ArrowLeft')
      await page.keyboard.press('Space')
      await page.getByText('1 selected').waitFor()
      await page.keyboard.press('Home')
      await expect.poll(focused).toContain('row-two')
      await page.keyboard.press('ArrowUp')
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/^select all/)
      await page.keyboard.press('Tab')
      expect(await box.evaluate((one) => one.contains(document.activeElement))).toBe(false)
      await page.keyboard.press('?')
      await page.getByRole('dialog').getByText('next row, once Tab has led to the table').waitFor()
    })
  })

  it('shows how a template did, by day and by version, and whether it does better', async () => {
    const { client, database } = world.under
    const { templates } = await client.call(listTemplates, {})
    const template = templates[0]
    if (template === undefined) throw new Error('there are no templates')
    for (let use = 0; use < 20; use++) {
      const execution_id = ExecutionId.parse(crypto.randomUUID())
      const metrics = { success: use >= 10 || use % 2 === 0, time_ms: 200 }
      await client.call(recordTemplate, {
        ...{ template_id: template.id, template_version: template.version, execution_id, task: 'x', metrics },
      })
      if (use < 10)
        await database.query(
          `update template_optimizer.template_outcomes set recorded_at = now() - interval '3 days' where execution_id = $1`,
          [execution_id],
        )
    }
    await world.visit(`/templates?id=${template.id}&days=30`, async (page) => {
      await page.getByText('Better: 100 % verified lately, 50.0 % before that.').waitFor()
      const row = page.getByRole('table', { name: 'by version' }).locator('tbody tr')
      expect(await row.allInnerTexts()).toEqual([expect.stringMatching(/^\d+\s+20\s+75/)])
      await page.getByLabel('Trend over').selectOption('7')
      await page.waitForURL(/days=7/)
      expect(await axeFindings(page)).toEqual([])
    })
  })

  it('shows what the services have written, to an admin all of it, to others that of an execution', async () => {
    const id = await requested('sing a song of sixpence', 'failed')
    await world.visit('/logs?level=info', async (page) => {
      const lines = page.getByRole('list', { name: 'lines of the logs' })
      await lines.getByText('the console listens').waitFor()
      await page.locator('select[name=service]').selectOption('executor')
      await expect.poll(() => lines.getByText('the console listens').count()).toBe(0)
      await page.waitForURL(/service=executor/)
      expect(await axeFindings(page)).toEqual([])
      expect(await sidewaysFindings(page)).toEqual([])
    })
    const viewer = { role: 'viewer', expected: [/403/] } as const
    await world.visit(
      `/executions/${id}?view=logs`,
      async (page) => {
        await page.getByText(`deed logs --execution ${id}`).waitFor()
        await page.waitForFunction(() => document.querySelector('main [aria-busy="true"]') === null)
        const origin = new URL(page.url()).origin
        const found = async (query: string) => (await page.request.get(`${origin}/api/logs${query}`)).status()
        expect(await found(`?execution=${id}`)).toBe(200)
        expect(await found('')).toBe(403)
        expect(await found('?service=executor')).toBe(403)
        expect(await found(`?execution=${crypto.randomUUID()}`)).toBe(404)
        expect(await found('?execution=../../etc')).toBe(400)
      },
      viewer,
    )
  })

  it('finds what an id names, pasted anywhere or by its last digits, and copies it whole, with the command for it', async () => {
    const id = await requested('write "found" to found.txt', 'done')
    await world.visit('/cache', async (page) => {
      await page.context().grantPermissions(['clipboard-write'])
      await page.locator('.page h1').waitFor()
      await page.evaluate((text) => {
        const clipboardData = new DataTransfer()
        clipboardData.setData('text/plain', text)
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }))
      }, id)
      await page.waitForURL(`**/executions/${id}`)
      await page.getByText(`deed show ${id}`).waitFor()
      const copied = async (name: string | RegExp) => {
        await page.getByRole('button', { name }).first().click()
        await page.getByText('Copied ').last().waitFor()
        // The page may not read it: it is pasted, as a person does.
        await page.keyboard.press('/')
        const field = page.getByRole('searchbox')
        await field.waitFor()
        await page.keyboard.press('Control+v')
        const text = await field.inputValue()
        // Escape empties a field of a search first.
        await field.fill('')
        await page.keyboard.press('Escape')
        await field.waitFor({ state: 'detached' })
        return text
      }
      expect(await copied('copy the command')).toBe(`deed show ${id}`)
      expect(await copied(`copy the id ${id}`)).toBe(id)
      // The zone of all times is one key away.
      const exact = page.getByTitle(/^\d{4}-\d\d-\d\d .* UTC$/)
      const inUtc = await exact.count()
      await page.keyboard.press('u')
      await page
        .getByRole('button', { name: /^times: / })
        .getByText('UTC')
        .waitFor()
      expect(await exact.count()).toBeGreaterThanOrEqual(Math.max(1, inUtc))
      await page.keyboard.press('/')
      await page.getByRole('searchbox').fill(id.slice(-8))
      await page.getByRole('dialog').getByText(id).waitFor()
      await page.keyboard.press('Enter')
      await page.waitForURL(`**/executions/${id}`)
    })
  })

  it('says the same of an execution in the list and on its page, at each step and without a reload', async () => {
    await requested('write "same" to same.txt', 'done')
    const id = await requested('delete same.txt', 'waiting')
    await world.visit(`/executions/${id}`, async (page) => {
      const list = await page.context().newPage()
      await list.goto(new URL('/executions?text=same.txt', page.url()).href)
      const row = list.locator('.table-box tbody tr', { hasText: 'delete same.txt' })
      const statuses = async () => {
        const shown = [page.locator('.execution-head > header .status'), row.locator('.status').first()]
        return Promise.all(shown.map(async (one) => /[a-z ]+$/.exec((await one.textContent()) ?? '')?.[0]))
      }
      await expect.poll(statuses).toEqual(['waiting', 'waiting'])
      await page.getByRole('button', { name: 'Cancel', exact: true }).click()
      await page.getByRole('button', { name: 'Cancel it' }).click()
      await expect.poll(statuses).toEqual(['cancelled', 'cancelled'])
    })
  })

  it('shows text of the world inert, with its hidden characters', async () => {
    await requested(HOSTILE, 'done')
    await world.visit('/executions?text=onerror', async (page) => {
      await expect
        .poll(async () => (await rowsOf(page)).join(''))
        .toContain('<img src=x onerror=alert(1)> \\u{202e}gnp.')
      expect(await page.locator('img').count()).toBe(0)
    })
  })

  it('says which part of an address is no filter, and that there is no such page', async () => {
    await world.visit('/executions?status=nonsense&x=1', async (page) => {
      await page.getByText('status=nonsense, x').waitFor()
    })
    await world.visit('/nowhere', async (page) => {
      await page.getByText('There is no such page').waitFor()
    })
  })

  it('disables with a reason what a role may not do', async () => {
    await world.visit(
      '/new?task=write+%22x%22+to+x.txt',
      async (page) => {
        expect(await page.getByRole('button', { name: 'Run and watch' }).getAttribute('title')).toMatch(
          /Your role, viewer/,
        )
      },
      { role: 'viewer' },
    )
  })

  it.each(['/new?task=tidy+away+a.md', '/new?task=write+%22x%22+to+x.txt'])(
    'is accessible at %s, in both themes and at every width',
    async (path) => {
      for (const colorScheme of THEMES) {
        for (const width of WIDTHS) {
          await world.visit(
            path,
            async (page) => {
              await page.locator('.page h1').waitFor()
              await page.getByRole('button', { name: 'Dry run' }).click()
              await page.getByRole('region', { name: 'the plan' }).waitFor()
              expect(await axeFindings(page)).toEqual([])
              expect(await sidewaysFindings(page)).toEqual([])
              expect(await motionFindings(page)).toEqual([])
              if (width === WIDTHS[0]) expect((await focusFindings(page)).findings).toEqual([])
            },
            { colorScheme, width, reducedMotion: 'reduce' },
          )
        }
      }
    },
  )
})
