// The template optimizer as a service, on a real NATS server and a real PostgreSQL.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testBus } from '@deed/local/test-bus'
import type { Bus } from '@deed/mesh/bus'
import { ExecutionId } from '@deed/proto/ids'
import { analyzeTemplates, getTemplate, listTemplates, recordTemplate, selectTemplate } from '@deed/proto/template'
import { testDatabase } from '@deed/store/test-database'
import { renderTemplate } from '@deed/template/render'
import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { startTemplateOptimizer } from './service.ts'
import { migrations } from './store/migrations.ts'

const TASK = 'Create a NATS consumer for processing user events'
const OWN = `---
id: own.consumer
version: 1
language: elixir
task_type: nats_consumer
description: Our own consumer
keywords: [nats, consumer, events]
variables:
  name: events
---
defmodule {{name | pascal}} do
end
`

const WAIT = { timeout: 20_000, interval: 100 }

/** Counts the picks of each template, over fifty tasks. */
async function picks(bus: Bus): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let task = 0; task < 50; task++) {
    const { id } = await bus.call(selectTemplate, { task: TASK, language: 'elixir', seed: `${task}` })
    counts[id] = (counts[id] ?? 0) + 1
  }
  return counts
}

describe('the template optimizer', () => {
  it('selects, returns and lists templates', async () => {
    await using mesh = await testBus()
    await using database = await testDatabase('template_optimizer', migrations)
    const environment = { ...mesh.environment('template-optimizer'), DATABASE_URL: database.url }
    await using _service = await startTemplateOptimizer(readConfig(environment))
    const bus = await mesh.bus('deed')

    const choice = await bus.call(selectTemplate, { task: TASK, language: 'elixir' })
    expect(choice).toMatchObject({
      id: 'nats_consumer.elixir',
      version: 1,
      task_type: 'nats_consumer',
    })
    expect(choice.confidence).toBeGreaterThan(0.8)
    expect(choice.alternatives.map(({ id }) => id)).toEqual(['generic.elixir', 'universal.any'])

    const template = await bus.call(getTemplate, { id: choice.id, version: choice.version })
    expect(renderTemplate(template, { name: 'orders' })).toContain('defmodule MyApp.OrdersConsumer do')
    expect(template.file).toBe('lib/{{namespace | snake}}/{{name | snake}}_consumer.ex')
    await expect(bus.call(getTemplate, { id: 'no.such' })).rejects.toMatchObject({ code: 'not_found', path: '$.id' })

    const { explanation } = await bus.call(selectTemplate, { task: TASK, language: 'elixir', explain: true })
    expect(explanation).toMatchObject({
      words: 'nats_consumer.elixir is the only template that fits most closely',
      candidates: [{ id: 'nats_consumer.elixir', stage: 'trusted', uses: 0, low: 0, high: 1 }],
    })
    const dockerfile = (task: string) => bus.call(selectTemplate, { task })
    expect(await dockerfile('create a Dockerfile for the shop')).toMatchObject({ id: 'devops.node.dockerfile' })
    expect(await dockerfile('create a Dockerfile for the python shop')).toMatchObject({
      id: 'devops.python.dockerfile',
    })

    const { templates } = await bus.call(listTemplates, { task_type: 'nats_consumer' })
    expect(templates.map(({ language }) => language).sort()).toEqual(['elixir', 'go', 'python', 'rust', 'typescript'])
  })

  it('avoids a template that fails, remembers it over a restart, and keeps selecting without its database', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'templates-'))
    try {
      await writeFile(join(folder, 'own.template'), OWN)
      await using mesh = await testBus()
      await using database = await testDatabase('template_optimizer', migrations)
      const config = readConfig({
        ...mesh.environment('template-optimizer'),
        DATABASE_URL: database.url,
        TEMPLATES_DIR: folder,
      })
      const bus = await mesh.bus('deed')
      {
        await using _first = await startTemplateOptimizer(config)
        const before = await picks(bus)
        expect(before['own.consumer']).toBeGreaterThan(0)
        expect(before['own.consumer']).toBeLessThan(15)
        expect(before['nats_consumer.elixir']).toBeGreaterThan(5)

        const record = (template_id: string, success: boolean, execution_id = crypto.randomUUID()) =>
          bus.call(recordTemplate, {
            template_id,
            execution_id: ExecutionId.parse(execution_id),
            task: TASK,
            metrics: { success, time_ms: 10 },
          })
        const outcomes = Array.from({ length: 30 }, () => [
          record('nats_consumer.elixir', false),
          record('own.consumer', true),
        ])
        await Promise.all(outcomes.flat())
        const again = crypto.randomUUID()
        await record('own.consumer', true, again)
        expect(await record('own.consumer', false, again)).toMatchObject({ usage_count: 31, success_rate: 1 })
        expect((await picks(bus))['own.consumer']).toBeGreaterThan(47)
        await expect(record('no.such', true)).rejects.toMatchObject({ code: 'not_found' })
      }
      await using _second = await startTemplateOptimizer(config)
      const analysis = await bus.call(analyzeTemplates, {})
      expect(analysis.totals).toMatchObject({ used: 2, uses: 61 })
      expect(analysis.top[0]).toMatchObject({ id: 'own.consumer', stage: 'trusted', uses: 31 })
      expect(analysis.recommendations[0]).toMatch(/^nats_consumer\.elixir was demoted after 30 uses/)
      const after = await picks(bus)
      expect(after['own.consumer']).toBeGreaterThan(47)
      const { templates } = await bus.call(listTemplates, { language: 'elixir', task_type: 'nats_consumer' })
      expect(templates.map(({ id, usage_count, success_rate }) => [id, usage_count, success_rate]).sort()).toEqual([
        ['nats_consumer.elixir', 30, 0],
        ['own.consumer', 31, 1],
      ])

      // New connections are refused, and existing ones are terminated.
      await using elsewhere = await testDatabase('template_optimizer', migrations)
      const name = new URL(database.url).pathname.slice(1)
      await elsewhere.pool.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`)
      await elsewhere.pool.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
      await expect(database.pool.query('SELECT 1')).rejects.toThrow()
      expect(await picks(bus)).toEqual(after)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('uses a changed folder without a restart, and keeps what was in force if the change is invalid', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'templates-'))
    try {
      await using mesh = await testBus()
      await using database = await testDatabase('template_optimizer', migrations)
      const environment = { ...mesh.environment('template-optimizer'), DATABASE_URL: database.url }
      await using _service = await startTemplateOptimizer(readConfig({ ...environment, TEMPLATES_DIR: folder }))
      const bus = await mesh.bus('deed')
      const own = async () => {
        const { templates, faults } = await bus.call(listTemplates, { language: 'elixir', task_type: 'nats_consumer' })
        return { version: templates.find(({ id }) => id === 'own.consumer')?.version, faults }
      }
      expect(await own()).toEqual({ version: undefined, faults: [] })

      await writeFile(join(folder, 'own.template'), OWN)
      await expect.poll(own, WAIT).toEqual({ version: 1, faults: [] })
      await writeFile(join(folder, 'own.template'), OWN.replace('version: 1', 'version: two'))
      await expect.poll(async () => (await own()).faults[0], WAIT).toMatch(/own\.template:3: version: /)
      expect(await own()).toMatchObject({ version: 1 })
      await writeFile(join(folder, 'own.template'), OWN.replace('version: 1', 'version: 2'))
      await expect.poll(own, WAIT).toEqual({ version: 2, faults: [] })
      expect(await bus.call(getTemplate, { id: 'own.consumer', version: 1 })).toMatchObject({ version: 1 })
    } finally {
      await rm(folder, { recursive: true })
    }
  }, 60_000)

  it('does not start with an invalid template, and reports where it is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'templates-'))
    try {
      await writeFile(join(folder, 'own.template'), OWN.replace('{{name | pascal}}', '{{nmae | pascal}}'))
      const config = readConfig({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', TEMPLATES_DIR: folder })
      await expect(startTemplateOptimizer(config)).rejects.toThrow(
        /own\.template:11: the variable nmae is not declared/,
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
