/** Lines for a reader: the figures that all have in columns, and what else there is below them. */
import type { Line } from './scenario.ts'

const COLUMNS = ['p50_ms', 'p95_ms', 'p99_ms', 'per_second', 'cpu_s_per_1000'] as const
const HEADINGS = ['p50 ms', 'p95 ms', 'p99 ms', 'per second', 'CPU s/1000']
const NAME_CHARS = 30
const FIGURE_CHARS = 12

export function heading(): string {
  return `${'scenario'.padEnd(NAME_CHARS)}${HEADINGS.map((text) => text.padStart(FIGURE_CHARS)).join('')}`
}

export function lineText(line: Line): string {
  const { scenario, ...figures } = line
  const columns = COLUMNS.map((name) => String(line[name] ?? '').padStart(FIGURE_CHARS))
  const rest = Object.entries(figures).filter(([name]) => !(COLUMNS as readonly string[]).includes(name))
  const facts = rest.filter(([, value]) => typeof value !== 'object' || value === null)
  const groups = rest.filter(([, value]) => typeof value === 'object' && value !== null)
  return [
    `${scenario.padEnd(NAME_CHARS)}${columns.join('')}`,
    ...(facts.length > 0 ? [`  ${facts.map(([name, value]) => `${name} ${value}`).join(', ')}`] : []),
    ...groups.map(
      ([name, values]) =>
        `  ${name}: ${Object.entries(values as Record<string, number>)
          .map(([key, value]) => `${key} ${value}`)
          .join(', ')}`,
    ),
  ].join('\n')
}
