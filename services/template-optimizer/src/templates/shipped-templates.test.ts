// Every shipped template, rendered with its defaults and with the facts of real requests, is accepted by the grammar of
// its language, and by its acceptance commands where their program is installed; the title of a skipped test says which
// program is missing.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Language } from '@deed/proto/template'
import { renderTemplate } from '@deed/template/render'
import { type Facts, valuesFrom } from '@deed/template/slots'
import { validate } from 'dockerfile-utils'
import { parse as parseSql } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { Language as Grammar, Parser } from 'web-tree-sitter'
import { parseAllDocuments } from 'yaml'
import { loadCatalogue } from './catalogue.ts'
import { TASK_TYPES } from './task-type-vocabulary.ts'
import type { Template } from './template-file.ts'

const FOLDER = fileURLToPath(new URL('../../templates', import.meta.url))
const catalogue = await loadCatalogue([FOLDER])
const require = createRequire(import.meta.url)

/** Facts as requests give them: several words, mixed case, digits, prose with quotes, a reserved word. */
const REQUESTS: readonly Facts[] = [
  {},
  {
    name: 'order-shipment V2',
    description: 'Processes "order shipments"; it\'s the 2nd version */ #{really} $\u007bso} -- and\nmore',
    namespace: 'shop_backend',
    tested: 'order-shipment.ts',
  },
  { name: 'class', description: 'Über alles', namespace: '3D' },
  { name: 'customer invoices', description: 'Create it for customer invoices', namespace: 'billing' },
]

const WASM = dirname(require.resolve('@vscode/tree-sitter-wasm/wasm/tree-sitter-rust.wasm'))
const GRAMMARS: readonly (readonly [Language, string])[] = [
  ['elixir', require.resolve('tree-sitter-elixir/tree-sitter-elixir.wasm')],
  ...(['rust', 'typescript', 'javascript', 'go', 'python', 'bash'] as const).map(
    (language) => [language, join(WASM, `tree-sitter-${language}.wasm`)] as const,
  ),
]
const parsers = new Map<string, Parser>()

beforeAll(async () => {
  await Parser.init()
  for (const [language, file] of GRAMMARS) {
    const parser = new Parser()
    parser.setLanguage(await Grammar.load(file))
    parsers.set(language, parser)
  }
})

/** @throws if the grammar of the language does not accept the text */
async function accept(language: Template['language'], code: string): Promise<void> {
  const parser = parsers.get(language)
  if (parser) expect(parser.parse(code)?.rootNode.hasError, code).toBe(false)
  else if (language === 'sql') await parseSql(code)
  else if (language === 'yaml') for (const document of parseAllDocuments(code)) expect(document.errors).toEqual([])
  else if (language === 'dockerfile') expect(validate(code).filter(({ severity }) => severity === 1)).toEqual([])
  else expect(code).not.toContain('{{')
}

function rendered(template: Template, facts: Facts): { path: string; code: string } {
  const values = valuesFrom(template, facts)
  const path = renderTemplate({ body: template.file ?? 'x', variables: template.variables }, values)
  return { path, code: renderTemplate(template, values) }
}

/** Runs an acceptance command in a folder of its own that has nothing but the rendered file. */
function runs(command: string, { path, code }: { path: string; code: string }): void {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-'))
  try {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), code)
    const [program = '', ...parameters] = command.split(' ').map((word) => word.replace('{{file}}', path))
    execFileSync(program, parameters, { cwd: folder, stdio: 'pipe', encoding: 'utf8' })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('a shipped template', () => {
  for (const template of catalogue.templates) {
    it(`${template.id} is parsed by the grammar of its language for every request`, async () => {
      for (const facts of REQUESTS) {
        const { path, code } = rendered(template, facts)
        await accept(template.language, code)
        expect(path).toMatch(/^[A-Za-z0-9_.]+(?:[-./][a-z0-9_]+)*$/)
        expect(code).not.toMatch(/\b(?:TODO|FIXME|XXX)\b/)
      }
    })
    for (const command of template.acceptance) {
      const [program = ''] = command.split(' ')
      const missing = spawnSync(program, ['--version']).error !== undefined
      const title = `${template.id} is accepted by ${command}`
      it.skipIf(missing)(
        missing ? `${title} (skipped: ${program} is not installed)` : title,
        { timeout: 60_000 },
        () => {
          runs(command, rendered(template, REQUESTS[1] ?? {}))
        },
      )
    }
  }

  it('exists for every promised language and for more than fifty kinds of work', () => {
    expect(catalogue.templates.length).toBeGreaterThanOrEqual(50)
    const languages = Map.groupBy(catalogue.templates, ({ language }) => language)
    for (const language of ['elixir', 'rust', 'typescript', 'go', 'python', 'javascript', 'sql', 'yaml'] as const)
      expect(languages.get(language)?.length, language).toBeGreaterThanOrEqual(4)
    for (const language of ['bash', 'dockerfile'] as const)
      expect(languages.get(language)?.length, language).toBeGreaterThanOrEqual(3)
  })

  it.each([
    ['elixir', 'defmodule X do def y( end'],
    ['rust', 'fn x( {'],
    ['typescript', 'export const x: = 1'],
    ['javascript', 'function ('],
    ['python', 'def x(:'],
    ['go', 'package main\nfunc {'],
    ['bash', 'if true; then'],
    ['sql', 'CREATE TABEL x ()'],
    ['yaml', 'a: [1'],
    ['dockerfile', 'FROM'],
  ] as const)('in %s is refused by the grammar if it is broken', async (language, code) => {
    await expect(accept(language, code)).rejects.toThrow()
  })
})

describe('what fits a task', () => {
  it('always includes the universal template last', () => {
    for (const taskType of TASK_TYPES) {
      for (const language of [undefined, 'elixir', 'rust', 'sql'] as const) {
        const groups = catalogue.fitting({ taskType, language, complexity: undefined })
        expect(groups.at(-1)?.map(({ id }) => id)).toEqual(['universal.any'])
        expect(groups.every((group) => group.length > 0)).toBe(true)
      }
    }
  })

  it.each([
    ['nats_consumer', 'elixir', 'nats_consumer.elixir'],
    ['nats_consumer', undefined, 'nats_consumer.typescript'],
    ['bugfix', 'python', 'generic.python'],
    ['bugfix', 'rust', 'generic.rust'],
    ['bugfix', 'dockerfile', 'universal.any'],
    ['documentation', 'go', 'documentation.any'],
  ] as const)('is %s in %s: %s', (taskType, language, id) => {
    expect(catalogue.fitting({ taskType, language, complexity: undefined })[0]?.[0]?.id).toBe(id)
  })
})
