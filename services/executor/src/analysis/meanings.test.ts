// Places by meaning: a real folder and index, the agent's request on a real NATS server, and vectors that a model could give.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { testBus } from '@deed/local/test-bus'
import type { Handler } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { searchCode as contract } from '@deed/proto/code'
import { embedTexts } from '@deed/proto/model'
import { createLogger } from '@deed/telemetry/logger'
import { unitVector, vectorText } from '@deed/text/vector'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { testExecutor } from '../../test/test-executor.ts'
import { searchCode } from '../handlers/search-code.ts'
import { openAnalyst } from './analyst.ts'
import { ignoredReader } from './ignored-by-git.ts'
import { openMeanings } from './meanings.ts'

const SECRET = 'hunter2-correct-horse'
const FILES = {
  'pay.ts': `// The sum that a customer owes\nexport function invoiceTotal(lines: number[]) {\n  return lines.reduce((a, b) => a + b, 0)\n}\n`,
  'mail.ts': `export function sendMail(to: string) {\n  return connect('${SECRET}', to)\n}\n`,
  'noise.ts': `export function amountOfNoise() {\n  return 7\n}\n`,
}
type Embed = (texts: readonly string[]) => z.output<typeof embedTexts.output>

/** What is about money is one way, what is about mail another. */
const meaning = (text: string): Float32Array =>
  unitVector([/invoice|amount payable|owes/i.test(text) ? 1 : 0.01, /mail|letter/i.test(text) ? 1 : 0.01, 0.1])
const vectorsBy =
  (model: string): Embed =>
  (texts) => ({ outcome: 'embedded', model, dimensions: 3, vectors: texts.map((text) => vectorText(meaning(text))) })

describe('a search by meaning', () => {
  it('finds what has none of the words, and says which model has read how much', async () => {
    await using world = await openWorld()
    const found = await world.whole('amount payable')
    expect(found).toMatchObject({ ranked_by: 'both', meaning: { model: 'a@1', places: 3, of: 3 } })
    expect(found.places.map(({ symbol }) => symbol)).toContain('invoiceTotal')
    // Of its words alone, only the noise is found.
    world.embeds(() => ({ outcome: 'declined', reason: 'the model server has no model that embeds' }))
    const lexical = await world.search('amount payable')
    expect(lexical).toMatchObject({
      ranked_by: 'lexical',
      meaning: { model: null, why: 'the model server has no model that embeds' },
    })
    expect(lexical.places.map(({ symbol }) => symbol)).toEqual(['amountOfNoise'])
    expect(world.sent.join('\n')).toContain('connect(')
    expect(world.sent.join('\n')).not.toContain(SECRET)
  })

  it('reads a place once, again only if its text has changed, and everything for another model', async () => {
    await using world = await openWorld()
    await world.whole('letter')
    const places = () => world.sent.filter((text) => text !== 'letter')
    expect(places()).toHaveLength(3)
    await world.whole('letter')
    expect(places()).toHaveLength(3)
    world.write('noise.ts', 'export function letterOfNoise() {\n  return 8\n}\n')
    await until(async () => (await world.whole('letter')).places.some(({ symbol }) => symbol === 'letterOfNoise'))
    expect(places()).toHaveLength(4)
    world.embeds(vectorsBy('a@2'))
    expect(await world.whole('letter')).toMatchObject({ meaning: { model: 'a@2', places: 3 } })
    expect(places()).toHaveLength(7)
    expect(world.models()).toEqual([{ model: 'a@2' }])
  })

  it.each<[string, Embed]>([
    ['fewer vectors than texts', () => ({ outcome: 'embedded', model: 'a@1', dimensions: 3, vectors: [] })],
    [
      'bytes that are no numbers',
      (texts) => ({ ...vectorsBy('a@1')(texts), vectors: texts.map(() => '/////////////w==') }),
    ],
    ['another number of dimensions', (texts) => ({ ...vectorsBy('a@1')(texts), dimensions: 4 })],
  ])('is by words if the agent sends %s', async (_, embed) => {
    await using world = await openWorld()
    world.embeds(embed)
    expect(await world.search('noise')).toMatchObject({
      ranked_by: 'lexical',
      meaning: { model: null },
      places: [{ symbol: 'amountOfNoise' }],
    })
  })

  it('is by words where no agent runs', async () => {
    await using world = await openWorld(false)
    expect(await world.search('noise')).toMatchObject({ ranked_by: 'lexical', meaning: { model: null } })
  })
})

async function openWorld(agent = true) {
  const opened = new AsyncDisposableStack()
  const executor = opened.use(await testExecutor('secrets: { key: { env: THE_KEY } }', { THE_KEY: SECRET }))
  const folder = join(executor.root, 'shop')
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  mkdirSync(folder)
  for (const [name, text] of Object.entries(FILES)) write(name, text)
  const mesh = opened.use(await testBus())
  const sent: string[] = []
  let embed = vectorsBy('a@1')
  if (agent) {
    const bus = await mesh.bus('hybrid-agent')
    bus.serve(embedTexts, async ({ texts }) => {
      sent.push(...texts)
      return embed(texts)
    })
  }
  const analyst = opened.use(openAnalyst(executor.world))
  const log = createLogger('test')
  // So long that a busy machine reads everything before an answer.
  const meanings = opened.use(openMeanings({ bus: await mesh.bus('executor'), analyst, log, fillMs: 60_000 }))
  const handler = searchCode({ world: executor.world, analyst, meanings, readIgnored: ignoredReader() })
  const search = async (words: string) => {
    const scope = { deadline: performance.now() + 60_000, signal: AbortSignal.timeout(60_000) }
    const input = contract.input.parse({ words, path: 'shop' })
    return contract.output.parse(await handler(input, scope as Parameters<Handler<typeof contract>>[1]))
  }
  return {
    sent,
    write,
    search,
    embeds(next: Embed) {
      embed = next
    },
    whole: (words: string) =>
      until(async () => {
        const found = await search(words)
        return found.meaning?.model != null && found.meaning.places === found.meaning.of ? found : undefined
      }),
    models() {
      const indexes = join(executor.world.dataFolder, 'source-indexes')
      const file = readdirSync(indexes).find((name) => name.endsWith('.sqlite')) ?? ''
      using db = new DatabaseSync(join(indexes, file), { readOnly: true })
      return db
        .prepare('select distinct model from vectors')
        .all()
        .map((row) => ({ ...row }))
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
