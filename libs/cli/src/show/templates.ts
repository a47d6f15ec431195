/** Templates as text. */
import { counted } from '@deed/config/counted'
import type { getTemplate, listTemplates, TemplateAnalysis } from '@deed/proto/template'
import type { z } from 'zod'
import type { Output } from '../terminal/output.ts'
import { table } from './table.ts'

type Listed = z.output<typeof listTemplates.output>['templates'][number]
type Template = z.output<typeof getTemplate.output>

const percent = (share: number | null): string => (share === null ? '-' : `${Math.round(100 * share)} %`)

export function templateTable(templates: readonly Listed[], { paint, width }: Output): string {
  return table<Listed>(
    [
      { heading: 'TEMPLATE', cell: ({ id }) => id },
      { heading: 'LANGUAGE', cell: ({ language }) => language, optional: true },
      { heading: 'STAGE', cell: ({ stage }) => stage },
      { heading: 'USES', cell: ({ usage_count: uses }) => `${uses}` },
      { heading: 'VERIFIED', cell: ({ success_rate: rate }) => percent(rate) },
      { heading: 'GIVES', cell: ({ description }) => description, fills: true },
    ],
    templates,
    paint,
    width,
  )
}

export function templateText({
  id,
  version,
  language,
  description,
  variables,
  sources,
  acceptance,
  risk,
  body,
  file,
}: Template): string {
  const slots = Object.entries(variables).map(([name, value]) => {
    const source = sources[name]
    return `  ${name}: ${value}${source === undefined ? '' : ` (filled by ${source})`}`
  })
  return [
    `${id}, version ${version}, ${language}, risk ${risk}`,
    description,
    ...(file === undefined ? [] : [`Goes to ${file}`]),
    ...(slots.length === 0 ? [] : ['', 'Variables with their defaults:', ...slots]),
    ...(acceptance.length === 0 ? [] : ['', 'Accepted by:', ...acceptance.map((command) => `  ${command}`)]),
    '',
    body,
  ].join('\n')
}

export function analysisText(
  { totals, top, usage, trend, recommendations }: TemplateAnalysis,
  { paint, width }: Output,
): string {
  const shares = new Map(usage.map(({ id, share }) => [id, share]))
  const best = table<TemplateAnalysis['top'][number]>(
    [
      { heading: 'TEMPLATE', cell: ({ id }) => id },
      { heading: 'STAGE', cell: ({ stage }) => stage },
      { heading: 'USES', cell: ({ uses }) => `${uses}` },
      { heading: 'SHARE', cell: ({ id }) => percent(shares.get(id) ?? 0) },
      { heading: 'REWARD', cell: ({ low, high }) => `${low.toFixed(2)} to ${high.toFixed(2)}` },
    ],
    top,
    paint,
    width,
  )
  const change = `${trend.per_day >= 0 ? '+' : ''}${(100 * trend.per_day).toFixed(2)} % a day over ${counted(trend.days, 'day')} with a use`
  return [
    `${counted(totals.templates, 'template')}, of which ${totals.used} were used ${counted(totals.uses, 'time')}`,
    `Trend: ${trend.direction}${trend.direction === 'unknown' ? ' (fewer than 3 days with a use)' : `, ${change}`}`,
    ...(top.length === 0 ? [] : ['', best]),
    ...(recommendations.length === 0 ? [] : ['', ...recommendations]),
  ].join('\n')
}
