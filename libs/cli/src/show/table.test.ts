// Tables as they are read.
import { describe, expect, it } from 'vitest'
import { unpainted } from '../terminal/paint.ts'
import { type Column, table } from './table.ts'

interface Row {
  id: string
  status: string
  task: string
}

const columns: Column<Row>[] = [
  { heading: 'ID', cell: ({ id }) => id },
  { heading: 'STATUS', cell: ({ status }) => status, status: true },
  { heading: 'TASK', cell: ({ task }) => task, fills: true },
]

describe('a table', () => {
  it('has columns as wide as their widest cell, and no spaces at the ends', () => {
    const rows = [
      { id: 'a', status: 'rolled_back', task: 'one' },
      { id: 'bcd', status: 'done', task: 'two' },
    ]
    expect(table(columns, rows, unpainted, Number.POSITIVE_INFINITY)).toBe(
      ['ID   STATUS       TASK', 'a    rolled_back  one', 'bcd  done         two'].join('\n'),
    )
  })

  it('cuts the last column to the terminal, and never below what can be read', () => {
    const rows = [{ id: 'a', status: 'done', task: 'a long task that does not fit into the line' }]
    expect(table(columns, rows, unpainted, 60)).toContain('that does not fit into the line')
    expect(table(columns, [{ ...rows[0]!, task: 'x'.repeat(200) }], unpainted, 60).split('\n')[1]).toHaveLength(60)
    expect(table(columns, rows, unpainted, 10)).toContain('a long ta...')
  })

  it('keeps a cell on its line, whatever the data hold', () => {
    const rows = [{ id: 'a', status: 'done', task: 'first\nsecond\u001b[2J' }]
    expect(table(columns, rows, unpainted, 80).split('\n')[1]).toBe('a   done    first second')
  })

  it('pads the words, not the colours', () => {
    const painted = table(
      columns,
      [{ id: 'a', status: 'done', task: 't' }],
      (style, text) => `<${style}>${text}</>`,
      80,
    )
    expect(painted.split('\n')[1]).toBe('a   <green>done  </>  t')
  })
})
