// The types of `Contracts` are erased, so its text is compared with the contracts themselves.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const text = readFileSync(new URL('contracts.ts', import.meta.url), 'utf8')
const modules = new Map(
  [...text.matchAll(/^import type \* as (\w+) from '([^']+)'$/gm)].map(([, name, from]) => [name, from]),
)
const lines = [...text.matchAll(/^ {2}'([^']+)': typeof (\w+)\.(\w+)$/gm)]

it('each subject that the page calls has the type of its own contract', async () => {
  expect(lines.length).toBeGreaterThan(5)
  for (const [, subject, module, name = ''] of lines) {
    const found = (await import(modules.get(module) ?? '')) as Record<string, { subject: string; type: string }>
    expect(found[name], name).toMatchObject({ subject, type: 'request' })
  }
})

it('the page takes types alone from proto, so that no schema is in its bundle', () => {
  expect(text.match(/^import (?!type)/m)).toBeNull()
})
