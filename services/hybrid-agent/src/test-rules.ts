/**
 * Tests rule packs without a mesh: `node test-rules.ts <file>...`, or those of RULES_DIR. They are tested alone and with
 * the built-in packs, and with the others of RULES_DIR. Prints one JSON document, as `rules.test` answers.
 */
import { readFileSync } from 'node:fs'
import type { RulesTested } from '@deed/proto/rules'
import { BUILT_IN } from './packs/rules-in-force.ts'
import { testPacks } from './packs/test-packs.ts'
import { RulePackError } from './rules/pack-fault.ts'
import { type PackFile, packFiles, parseRulePacks } from './rules/rule-pack.ts'

function tested(files: readonly string[], folder: string | undefined): RulesTested {
  const own = folder === undefined ? [] : packFiles(folder)
  const given = files.length === 0 ? own : files.map((file): PackFile => ({ file, text: readFileSync(file, 'utf8') }))
  const others = parseRulePacks([
    ...packFiles(BUILT_IN),
    ...own.filter(({ text }) => !given.some((one) => one.text === text)),
  ])
  return testPacks(given, others)
}

function report(): RulesTested {
  try {
    return tested(process.argv.slice(2), process.env.RULES_DIR || undefined)
  } catch (error) {
    if (error instanceof RulePackError) return { files: [], faults: [...error.faults], collisions: [] }
    throw error
  }
}

process.stdout.write(`${JSON.stringify(report())}\n`)
