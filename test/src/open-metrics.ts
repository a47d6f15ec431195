/** Reads OpenMetrics text as strictly as Prometheus does, and finds promtool where it is. */
import { spawnSync } from 'node:child_process'

export interface Family {
  type: string
  help: string
  samples: { name: string; labels: Record<string, string>; value: number; exemplar?: Record<string, string> }[]
}

const META = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"/g
const LABELS = /(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"(?:,|(?=\})))*/.source
const NUMBER = /[+-]?Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/.source
const SAMPLE = new RegExp(
  `^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(${LABELS})\\})? (${NUMBER})(?: # \\{(${LABELS})\\} ${NUMBER}(?: \\d+(?:\\.\\d+)?)?)?$`,
)
const SUFFIXES: Record<string, readonly string[]> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
}

/** @throws at the first line that is not OpenMetrics, is said twice, or belongs to another family */
export function readOpenMetrics(text: string): Map<string, Family> {
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.pop() !== '# EOF') throw new Error('the text does not end with # EOF')
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  let current: [name: string, family: Family] | undefined
  for (const line of lines) {
    const [, meta, of = '', rest = ''] = META.exec(line) ?? []
    if (meta === 'HELP') {
      if (families.has(of)) throw new Error(`two families are named ${of}`)
      current = [of, { type: 'unknown', help: rest, samples: [] }]
      families.set(...current)
    } else if (meta === 'TYPE' && current?.[0] === of) {
      current[1].type = rest
    } else {
      const [, name = '', labels = '', value, exemplar] = SAMPLE.exec(line) ?? []
      if (value === undefined || !current) throw new Error(`not a sample: ${line}`)
      const [family, { type, samples }] = current
      if (!SUFFIXES[type]?.some((suffix) => name === `${family}${suffix}`))
        throw new Error(`${name} is not of the ${type} ${family}`)
      const series = `${name}{${labels}}`
      if (seen.has(series)) throw new Error(`said twice: ${series}`)
      seen.add(series)
      samples.push({
        name,
        labels: labelsOf(labels),
        value: Number(value.replace('Inf', 'Infinity')),
        ...(exemplar === undefined ? {} : { exemplar: labelsOf(exemplar) }),
      })
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkBuckets(name, family)
  return families
}

const labelsOf = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(LABEL)].map(([, label = '', value = '']) => [label, value]))

/** Of each series the buckets only grow, and the last one is the count. */
function checkBuckets(name: string, { samples }: Family): void {
  const without = ({ le: _, ...labels }: Record<string, string>) => JSON.stringify(labels)
  for (const [key, series] of Map.groupBy(samples, ({ labels }) => without(labels))) {
    const buckets = series.filter((one) => one.name === `${name}_bucket`).map(({ value }) => value)
    const count = series.find((one) => one.name === `${name}_count`)?.value
    if (buckets.some((value, index) => value < (buckets[index - 1] ?? 0)) || buckets.at(-1) !== count)
      throw new Error(`the buckets of ${name}${key} do not add up`)
  }
}

/** Undefined where it is not installed. `PROMTOOL` may name it. */
export const PROMTOOL = ((): string | undefined => {
  const program = process.env.PROMTOOL || 'promtool'
  return spawnSync(program, ['--version']).status === 0 ? program : undefined
})()

export const SKIPPED = PROMTOOL === undefined ? ' (skipped: needs promtool)' : ''

/** @returns what it says; empty if it has nothing to find fault with */
export function promtool(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(PROMTOOL ?? '', args, { input, encoding: 'utf8' })
  return status === 0 ? stderr : `${stdout}${stderr}`
}
