// What can be said of the chart without helm: its values, and what its templates ask for.
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseExecutionConfig } from '@deed/config/execution-config'
import { faultLines, IN_SENTENCES } from '@deed/config/fault-sentence'
import { SERVICES } from '@deed/proto/contract'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { CHART, EXAMPLES, valuesOf } from './chart.ts'
import { ChartValues } from './chart-values.ts'

const defaults: unknown = parse(readFileSync(resolve(CHART, 'values.yaml'), 'utf8'))
const faultsOf = (values: unknown): string[] => {
  const { error } = ChartValues.safeParse(values, IN_SENTENCES)
  return error ? faultLines(error) : []
}
const templates = globSync('templates/**/*', { cwd: CHART, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => ({ file: entry.name, text: readFileSync(resolve(entry.parentPath, entry.name), 'utf8') }))

describe('the values of the chart', () => {
  it('are all in values.yaml, with each service of the mesh', () => {
    expect(faultsOf(defaults)).toEqual([])
    expect(Object.keys(ChartValues.parse(defaults).services).sort()).toEqual([...SERVICES].sort())
  })

  it.each(EXAMPLES)('of the example %s are valid, and so is the execution.yaml in them', (example) => {
    const values = valuesOf(example)
    expect(faultsOf(values)).toEqual([])
    const { console: page, ...config } = ChartValues.parse(values).config
    // The chart adds the address at which the console listens.
    const listening = page ? { ...config, console: { ...page, host: '0.0.0.0' } } : config
    expect(() => parseExecutionConfig(stringify(listening), { file: '/etc/deed/execution.yaml' })).not.toThrow()
  })

  it('are refused with the nearest key where one is unknown', () => {
    const values = ChartValues.parse(valuesOf('small'))
    expect(faultsOf({ ...values, postgres: {} })).toEqual([expect.stringMatching(/unknown key "postgres".*postgresql/)])
    expect(faultsOf({ ...values, nats: { ...values.nats, ulr: 'nats://host' } })).toEqual([
      expect.stringMatching(/^nats: unknown key "ulr".*url/),
    ])
    const console = { ...values.services.console, replicas: 2 }
    expect(faultsOf({ ...values, services: { ...values.services, console } })).toEqual([
      expect.stringMatching(/^services\.console\.replicas/),
    ])
  })
})

describe('the templates of the chart', () => {
  it('ask for values that are there', () => {
    const asked = templates.flatMap(({ file, text }) =>
      [...text.matchAll(/\.Values\.([\w.]+)/g)].map(([, path = '']) => ({ file, path })),
    )
    expect(asked.length).toBeGreaterThan(50)
    const isThere = (path: string): boolean => {
      let at: unknown = defaults
      for (const key of path.split('.')) {
        // A map whose keys are the user's.
        if (path.startsWith('config.')) return true
        if (typeof at !== 'object' || at === null || !(key in at)) return false
        at = (at as Record<string, unknown>)[key]
      }
      return true
    }
    expect(asked.filter(({ path }) => !isThere(path))).toEqual([])
  })

  it('give equal text for equal values: nothing in them is random, of now, or of the cluster', () => {
    const unsteady = /\{\{[^}]*\b(rand\w*|gen\w+|uuidv4|now|date|lookup|htpasswd|bcrypt|IsUpgrade|IsInstall|Revision)\b/
    expect(templates.filter(({ text }) => unsteady.test(text)).map(({ file }) => file)).toEqual([])
  })
})
