/** deed rules: what is understood without a model, the tests of own packs, and the sentences that were learned. */
import { writeFileSync } from 'node:fs'
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import {
  exportLearned,
  forgetLearned,
  LearnedId,
  listLearned,
  listRules,
  RuleId,
  type RulesTested,
  testRules,
} from '@deed/proto/rules'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { testFiles } from '../rules/test-files.ts'
import { faultText, learnedTable, packText, ruleText, testedText } from '../show/rules.ts'
import { EXIT, UsageError } from '../terminal/exit-code.ts'
import { by } from '../terminal/options.ts'

export function addRules(program: Command): void {
  const rules = program
    .command('rules')
    .summary('what is understood without a model, and what was learned')
    .description('What is understood without a model: rules, own packs, and what was learned.')
    .addHelpText(
      'after',
      `
A rule pack of your own goes to the folder RULES_DIR: see docs/extending.md.

Examples:
  deed rules
  deed rules show services/restart
  deed rules test rules/lamps.yaml
  deed rules learned`,
    )
  addList(rules)
  addTest(rules)
  addLearned(rules)
}

function addList(rules: Command): void {
  rules
    .command('list', { isDefault: true })
    .description('packs and their rules, with sentences for this world')
    .addHelpText('after', '\nExamples:\n  deed rules list\n  deed rules list --json')
    .action(async (_options: object, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const reply = await withMesh(shell, (bus) => bus.call(listRules, {}))
      out.document(reply)
      for (const pack of reply.packs) out.print(packText(pack, out))
      if (reply.faults.length === 0) return
      out.note(out.paint('red', 'A change in RULES_DIR is not used; the earlier rules stay in force:'))
      for (const fault of reply.faults) out.note(faultText(fault))
    })
  rules
    .command('show')
    .argument('<rule>', 'as pack/rule', by(RuleId))
    .description('one rule: its patterns, other sentences, and examples')
    .addHelpText('after', '\nExample:\n  deed rules show services/restart')
    .action(async (rule: string, _options: object, command: Command) => {
      const shell = shellOf(command)
      const { packs } = await withMesh(shell, (bus) => bus.call(listRules, { rule }))
      const found = packs[0]?.rules[0]
      if (!found) throw new DeedError('not_found', `there is no rule ${rule}; deed rules lists them`)
      shell.out.document(found)
      shell.out.print(ruleText(found))
    })
}

function addTest(rules: Command): void {
  rules
    .command('test')
    .argument('[file...]', 'packs (default: those in RULES_DIR, or of the mesh)')
    .description('run the tests of own packs, and find sentences that collide')
    .addHelpText(
      'after',
      `
A pack is tested alone, and with the built-in packs and those in RULES_DIR.
No mesh is needed for it. Exit code 1 where a test fails or a sentence collides.

Examples:
  deed rules test rules/lamps.yaml
  RULES_DIR=rules deed rules test`,
    )
    .action(async (files: string[], _options: object, command: Command) => {
      const shell = shellOf(command)
      const isHere = files.length > 0 || shell.env.RULES_DIR
      const tested: RulesTested = isHere
        ? await testFiles(files, shell.env)
        : await withMesh(shell, (bus) => bus.call(testRules, {}))
      shell.out.document(tested)
      shell.out.print(testedText(tested, shell.out.paint))
      process.exitCode = tested.faults.length + tested.collisions.length === 0 ? EXIT.success : EXIT.failed
    })
}

function addLearned(rules: Command): void {
  rules
    .command('learned')
    .description('your own sentences: chosen or planned once, and verified')
    .addHelpText('after', '\nExample:\n  deed rules learned')
    .action(async (_options: object, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const reply = await withMesh(shell, (bus) => bus.call(listLearned, {}))
      out.document(reply)
      if (reply.sentences.length === 0) return out.note('nothing has been learned')
      out.print(learnedTable(reply.sentences, out))
    })
  rules
    .command('forget')
    .argument('[id]', 'of a learned sentence', by(LearnedId))
    .option('--all', 'all that was learned')
    .description('remove what was learned')
    .addHelpText('after', '\nExamples:\n  deed rules forget 5f6a7b8c9d0e\n  deed rules forget --all')
    .action(async (id: string | undefined, { all }: { all?: true }, command: Command) => {
      if ((id === undefined) === (all === undefined)) throw new UsageError('say what to forget: an id, or --all')
      const shell = shellOf(command)
      const reply = await withMesh(shell, (bus) => bus.call(forgetLearned, id === undefined ? { all: true } : { id }))
      shell.out.document(reply)
      shell.out.print(`forgot ${counted(reply.forgotten, 'sentence')}`)
      if (id !== undefined && reply.forgotten === 0) process.exitCode = EXIT.failed
    })
  rules
    .command('export')
    .argument('[file]', 'to write; default: standard output')
    .description('what was learned, as a rule pack')
    .addHelpText('after', '\nExamples:\n  deed rules export\n  deed rules export rules/learned.yaml')
    .action(async (file: string | undefined, _options: object, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const reply = await withMesh(shell, (bus) => bus.call(exportLearned, {}))
      out.document(reply)
      if (reply.pack === null) out.note('there is nothing to export')
      else if (file === undefined) out.print(reply.pack.trimEnd())
      else writeFileSync(file, reply.pack)
      for (const { sentence, reason } of reply.left_out) out.note(`left out: "${sentence}": ${reason}`)
      if (file !== undefined && reply.pack !== null) out.note(`${counted(reply.sentences, 'sentence')} in ${file}`)
    })
}
