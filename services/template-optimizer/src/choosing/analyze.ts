/** What the templates of a tenant are worth, in figures and in words. */
import type { TemplateAnalysis } from '@deed/proto/template'
import type { Score } from '../templates/score.ts'
import { rewardOf, stageOf } from '../templates/stage.ts'
import type { Template } from '../templates/template-file.ts'

const TOP_MAX = 10
const RECOMMENDATIONS_MAX = 20
/** A slope counts as a trend if it is this many standard errors from 0, */
const TREND_ERRORS_MIN = 2
/** and if it changes the reward by as much as this over the days that were read. */
const TREND_CHANGE_MIN = 0.02
/** A template with fewer uses says nothing yet. */
const USES_MIN = 5
const LOW_SUCCESS_MAX = 0.7

/** The outcomes of one day, over all templates. */
export interface Day {
  /** Days since the first one that was read. */
  readonly day: number
  readonly uses: number
  /** Mean over the uses of: 0 for a failure, else the quality, or 1 if it was not measured. */
  readonly quality: number
}

interface Input {
  readonly templates: readonly Template[]
  readonly scoreOf: (template: Template) => Score | undefined
  readonly days: readonly Day[]
  readonly now: number
}

/** Pure. */
export function analyze({ templates, scoreOf, days, now }: Input): TemplateAnalysis {
  const rows = templates.map((template) => {
    const score = scoreOf(template)
    return {
      id: template.id,
      version: template.version,
      stage: stageOf(template, score, now),
      uses: score?.usageCount ?? 0,
      success_rate: score?.successRate ?? null,
      ...rewardOf(score, now),
    }
  })
  const used = rows.filter(({ uses }) => uses > 0)
  const uses = used.reduce((sum, row) => sum + row.uses, 0)
  const trend = trendOf(days)
  return {
    totals: { templates: rows.length, used: used.length, uses },
    top: used
      .filter((row) => row.uses >= USES_MIN)
      .sort((one, other) => other.low - one.low)
      .slice(0, TOP_MAX),
    usage: used
      .sort((one, other) => other.uses - one.uses)
      .map(({ id, uses: own }) => ({ id, uses: own, share: own / uses })),
    trend,
    recommendations: recommendationsFor(rows, trend).slice(0, RECOMMENDATIONS_MAX),
  }
}

/** A straight line through the days, each weighted by its uses. */
function trendOf(days: readonly Day[]): TemplateAnalysis['trend'] {
  const total = days.reduce((sum, { uses }) => sum + uses, 0)
  const unknown = { direction: 'unknown', per_day: 0, days: days.length } as const
  if (days.length < 3) return unknown
  const mean = (value: (day: Day) => number) => days.reduce((sum, day) => sum + day.uses * value(day), 0) / total
  const x = mean(({ day }) => day)
  const y = mean(({ quality }) => quality)
  const spread = days.reduce((sum, { day, uses }) => sum + uses * (day - x) ** 2, 0)
  const slope = days.reduce((sum, { day, uses, quality }) => sum + uses * (day - x) * (quality - y), 0) / spread
  // Each use is close to a coin with the mean as its chance, so the error of the slope is at least that of coins.
  const rest = days.reduce((sum, { day, uses, quality }) => sum + uses * (quality - y - slope * (day - x)) ** 2, 0)
  const variance = Math.max(y * (1 - y), rest / (days.length - 2))
  const error = Math.sqrt(variance / spread)
  const length = (days.at(-1)?.day ?? 0) - (days[0]?.day ?? 0)
  const moves = Math.abs(slope) > TREND_ERRORS_MIN * error && Math.abs(slope * length) >= TREND_CHANGE_MIN
  const direction = !moves ? 'stable' : slope > 0 ? 'improving' : 'declining'
  return { direction, per_day: slope, days: days.length }
}

interface Row {
  readonly id: string
  readonly stage: TemplateAnalysis['top'][number]['stage']
  readonly uses: number
  readonly success_rate: number | null
}

function recommendationsFor(rows: readonly Row[], trend: TemplateAnalysis['trend']): string[] {
  const percent = (share: number | null) => `${Math.round(100 * (share ?? 0))} %`
  const demoted = rows.filter(({ stage }) => stage === 'demoted')
  const weak = rows.filter(
    ({ stage, uses, success_rate: rate }) => stage !== 'demoted' && uses >= USES_MIN && (rate ?? 1) < LOW_SUCCESS_MAX,
  )
  const candidates = rows.filter(({ stage }) => stage === 'candidate')
  const unused = rows.filter(({ uses }) => uses === 0).length
  return [
    ...(trend.direction === 'declining'
      ? [`Results decline by ${percent(-trend.per_day * 7)} a week: compare the newest versions with the ones before.`]
      : []),
    ...demoted.map(
      ({ id, uses }) => `${id} was demoted after ${uses} uses: correct it and raise its version, or remove it.`,
    ),
    ...weak.map(
      ({ id, success_rate: rate }) =>
        `${id} was verified in about ${percent(rate)} of its recent uses: read the failures with deed get.`,
    ),
    ...candidates.map(
      ({ id }) => `${id} is a candidate without outcomes: use it on a few tasks, so that it can prove itself.`,
    ),
    ...(rows.length > 0 && unused === rows.length ? ['No template was used yet: nothing can be said about them.'] : []),
  ]
}
