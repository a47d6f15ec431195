/** Bars and lines in SVG, each with a table behind it that has the same values. */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { linePath } from '../text/line-path.ts'

export interface Point {
  /** Below the axis, and in the table: "14:02". */
  readonly label: string
  readonly value: number
}

export interface Series {
  readonly name: string
  /** Null: there is nothing to measure, and the line is broken. */
  readonly points: readonly (Omit<Point, 'value'> & { readonly value: number | null })[]
}

interface ChartProperties {
  readonly title: string
  /** How a value reads: "12", "1.4 s". */
  readonly format: (value: number) => string
  readonly height?: number
}

const WIDTH = 600
const PAD = { top: 8, bottom: 18 }

export function Bars({ title, points, format, height = 120 }: ChartProperties & { points: readonly Point[] }) {
  const max = Math.max(1, ...points.map(({ value }) => value))
  const step = WIDTH / Math.max(1, points.length)
  const high = height - PAD.top - PAD.bottom
  return (
    <Chart title={title} series={[{ name: title, points }]} format={format} max={max} height={height}>
      {points.map(({ label, value }, index) => (
        <rect
          key={label}
          class="bar"
          x={index * step + step * 0.12}
          width={step * 0.76}
          y={PAD.top + high * (1 - value / max)}
          height={Math.max(value > 0 ? 1 : 0, (high * value) / max)}
        >
          <title>{`${label}: ${format(value)}`}</title>
        </rect>
      ))}
    </Chart>
  )
}

export function Lines({ title, series, format, height = 120 }: ChartProperties & { series: readonly Series[] }) {
  const max = Math.max(Number.EPSILON, ...series.flatMap(({ points }) => points.map(({ value }) => value ?? 0)))
  const high = height - PAD.top - PAD.bottom
  return (
    <Chart title={title} series={series} format={format} max={max} height={height}>
      {series.map(({ name, points }, index) => (
        <path
          key={name}
          class={`line line-${index}`}
          d={linePath(
            points.map(({ value }) => (value === null ? null : PAD.top + high * (1 - value / max))),
            WIDTH,
          )}
        >
          <title>{name}</title>
        </path>
      ))}
    </Chart>
  )
}

function Chart({
  title,
  series,
  format,
  max,
  height,
  children,
}: Required<ChartProperties> & { series: readonly Series[]; max: number; children: ComponentChildren }) {
  const [asTable, setAsTable] = useState(false)
  const valueText = (value: number | null | undefined): string => (typeof value === 'number' ? format(value) : '-')
  const labels = series[0]?.points.map(({ label }) => label) ?? []
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        {series.length > 1 && (
          <span class="legend">
            {series.map(({ name }, index) => (
              <span key={name} class={`legend-${index}`}>
                {name}
              </span>
            ))}
          </span>
        )}
        <button type="button" class="link" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          table
        </button>
      </figcaption>
      {asTable ? (
        <div class="chart-table">
          <table>
            <thead>
              <tr>
                <th scope="col">time</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col" class="numeric">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {labels.map((label, index) => (
                <tr key={label}>
                  <th scope="row">{label}</th>
                  {series.map(({ name, points }) => (
                    <td key={name} class="numeric">
                      {valueText(points[index]?.value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <div class="chart-box">
          <svg
            role="img"
            aria-label={`${title}: at most ${format(max)}, last ${valueText(series[0]?.points.at(-1)?.value)}`}
            viewBox={`0 0 ${WIDTH} ${height}`}
            preserveAspectRatio="none"
            style={{ height: `${height}px` }}
          >
            <line class="grid" x1="0" x2={WIDTH} y1={PAD.top} y2={PAD.top} />
            <line class="grid" x1="0" x2={WIDTH} y1={height - PAD.bottom} y2={height - PAD.bottom} />
            {children}
          </svg>
          <span class="chart-max">{format(max)}</span>
          <span class="chart-from">{labels[0]}</span>
          <span class="chart-to">{labels.at(-1)}</span>
        </div>
      )}
    </figure>
  )
}
