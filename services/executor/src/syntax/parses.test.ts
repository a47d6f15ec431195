import type { Syntax } from '@deed/proto/observation'
import { describe, expect, it } from 'vitest'
import { parses } from './parses.ts'

const SAMPLES: [Syntax, string, string][] = [
  ['elixir', 'defmodule A do\n  def run(x), do: x + 1\nend\n', 'defmodule A do\n  def run(x do\nend\n'],
  ['typescript', 'enum A { B }\nconst a: number = await import("x")\nexport { a }\n', 'const a: number = ;\n'],
  ['javascript', 'import a from "b"\nexport const c = await a\n', 'export const c = (\n'],
  ['javascript', 'module.exports = function () { return 1 }\n', 'const a: number = 1\n'],
  ['json', '{"a": [1, 2]}', '{"a": [1, 2,]}'],
  ['yaml', 'a: [1, 2]\n---\nb: 1\n', 'a: [1, 2\nb: ]: 1\n'],
  ['sql', 'CREATE TABLE a (id bigint PRIMARY KEY);\nSELECT 1;\n', 'CREATE TABEL a (id bigint)'],
  ['dockerfile', 'FROM node:24-slim\nUSER node\n', 'FROM\n'],
  ['bash', 'if true; then echo "$HOME"; fi\n', 'if true; then echo\n'],
]

describe('the parser of a language', () => {
  it.each(SAMPLES)('%s: tells good from bad', async (syntax, good, bad) => {
    expect(await parses(syntax, Buffer.from(good))).toMatchObject({ outcome: 'verified' })
    expect(await parses(syntax, Buffer.from(bad))).toMatchObject({ outcome: 'failed' })
  })

  it('runs nothing of what it reads', async () => {
    const marker = `${import.meta.dirname}/must-not-exist-${process.pid}`
    await parses('bash', Buffer.from(`touch ${marker}\n`))
    const { existsSync } = await import('node:fs')
    expect(existsSync(marker)).toBe(false)
  })
})
