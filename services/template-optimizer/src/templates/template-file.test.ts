// A user's template is refused with the file, the line and the invalid field.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadCatalogue } from './catalogue.ts'
import { readTemplate } from './template-file.ts'

const GOOD = `---
id: own.consumer
version: 2
language: elixir
task_type: nats_consumer
description: Our consumer
variables:
  name: events
  retries: 3
---
defmodule {{name | pascal}} do
  @retries {{retries}}
end
`

describe('reading a template', () => {
  it('returns its parts', () => {
    expect(readTemplate(GOOD, 'own.template')).toMatchObject({
      id: 'own.consumer',
      version: 2,
      taskType: 'nats_consumer',
      variables: { name: 'events', retries: '3' },
      body: 'defmodule {{name | pascal}} do\n  @retries {{retries}}\nend\n',
    })
    expect(readTemplate(`\uFEFF${GOOD.replaceAll('\n', '\r\n')}`, 'x').id).toBe('own.consumer')
  })

  it.each([
    ['no front matter', 'hello', /^own:1: a template begins with front matter/],
    ['broken YAML', GOOD.replace('version: 2', 'version: [2'), /^own:\d+: /],
    ['a wrong value', GOOD.replace('version: 2', 'version: two'), /^own:3: version: /],
    ['an unknown type', GOOD.replace('nats_consumer', 'magic'), /^own:5: task_type: /],
    ['an unknown field', GOOD.replace('version: 2', 'version: 2\nexec: rm'), /^own:4: exec: /],
    ['a bad variable name', GOOD.replace('retries: 3', 'Retries: 3'), /^own:9: variables\.Retries: /],
    ['the same key twice', GOOD.replace('version: 2', 'version: 2\nversion: 3'), /^own:\d+: Map keys must be unique/],
    ['an undeclared variable', GOOD.replace('{{retries}}', '{{tries}}'), /^own:12: the variable tries is not declared/],
    [
      'a path that leaves the workspace',
      GOOD.replace('variables:', 'file: "../{{name}}"\nvariables:'),
      /^own:7: file: /,
    ],
    [
      'an unknown name in a path',
      GOOD.replace('variables:', 'file: "{{x}}.ex"\nvariables:'),
      /^own:1: file: the variable x/,
    ],
    ['an empty body', GOOD.slice(0, GOOD.indexOf('defmodule')), /^own:11: the body is empty/],
    [
      'a source that is no fact',
      GOOD.replace('retries: 3', 'retries: { default: 3, from: "{{moon}}" }'),
      /^own:1: variables\.retries\.from: /,
    ],
    ['an unknown thing', GOOD.replace('variables:', 'makes: [spaceship]\nvariables:'), /^own:7: makes/],
    ['an unknown risk', GOOD.replace('variables:', 'risk: none\nvariables:'), /^own:7: risk: /],
    ['a body of 10 MB', `${GOOD}${'x'.repeat(10_000_000)}`, /^own:11: the body has more than 131072 characters/],
    [
      'a bomb of aliases',
      GOOD.replace('  name: events', `  a: &a [${'x,'.repeat(9)}x]\n  b: &b [*a,*a,*a]\n  name: [*b,*b,*b]`),
      /^own:\d+: /,
    ],
    ['an alias', GOOD.replace('name: events', 'name: &a events\n  other: *a'), /./],
  ])('refuses %s', (_what, text, message) => {
    expect(() => readTemplate(text, 'own')).toThrow(message)
  })
})

describe('a folder of additional templates', () => {
  it('replaces a template by a higher version, and refuses a duplicate version', async () => {
    const shipped = await mkdtemp(join(tmpdir(), 'templates-'))
    const own = await mkdtemp(join(tmpdir(), 'templates-'))
    try {
      await writeFile(
        join(shipped, 'u.template'),
        GOOD.replace('own.consumer', 'u').replace('elixir', 'any').replace('nats_consumer', 'general'),
      )
      await writeFile(join(shipped, 'a.template'), GOOD)
      await writeFile(join(shipped, 'notes.txt'), 'not a template')
      await writeFile(join(own, 'b.template'), GOOD.replace('version: 2', 'version: 3'))
      const catalogue = await loadCatalogue([shipped, own])
      expect(catalogue.templates.length).toBe(2)
      expect(catalogue.get('own.consumer')?.version).toBe(3)
      await writeFile(join(own, 'c.template'), GOOD.replace('version: 2', 'version: 3'))
      await expect(loadCatalogue([shipped, own])).rejects.toThrow(
        /b\.template already defines own\.consumer version 3; raise the version/,
      )
    } finally {
      await rm(shipped, { recursive: true })
      await rm(own, { recursive: true })
    }
  })
})
