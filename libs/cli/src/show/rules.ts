/** Rules, their tests and learned sentences as text. */
import { relative } from 'node:path'
import { counted } from '@deed/config/counted'
import type { LearnedView, PackFault, PackView, RulesTested, RuleView } from '@deed/proto/rules'
import { age } from '../terminal/amounts.ts'
import type { Output } from '../terminal/output.ts'
import type { Paint } from '../terminal/paint.ts'
import { table } from './table.ts'

export function packText({ pack, version, description, own, file, rules }: PackView, out: Output): string {
  const { paint, width } = out
  const from = own ? `${file} in RULES_DIR` : 'built in'
  const rows = table<RuleView>(
    [
      { heading: 'RULE', cell: ({ id }) => id },
      { heading: 'EFFECT', cell: ({ effect }) => effect, optional: true },
      { heading: 'DOES', cell: ({ does }) => does, optional: true },
      { heading: 'EXAMPLE', cell: ({ examples }) => examples[0] ?? '- (nothing here that it applies to)', fills: true },
    ],
    rules,
    paint,
    width,
  )
  return `${paint('bold', pack)}, version ${version}, ${from}\n${description}\n${rows}\n`
}

export const ruleText = ({ id, does, effect, examples, match = [], paraphrases = [] }: RuleView): string =>
  [
    `${id}: ${does} (${effect})`,
    ...section('Sentences for this world:', examples),
    ...section('Patterns:', match),
    ...section('Other sentences that mean it:', paraphrases),
  ].join('\n')

const section = (heading: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', heading, ...lines.map((line) => `  ${line}`)]

/** As compilers write it, so that editors find the line. */
export const faultText = ({ file, line, reason }: PackFault): string => `${shownFile(file)}:${line}: ${reason}`

/** A file below the current folder by its path from there. */
function shownFile(file: string): string {
  const path = relative(process.cwd(), file)
  return file.startsWith('/') && !path.startsWith('..') ? path : file
}

export function testedText({ files, faults, collisions }: RulesTested, paint: Paint): string {
  const passed = files.map(
    ({ file, rules, tests }) => `${shownFile(file)}: ${counted(rules, 'rule')}, ${counted(tests, 'test')}`,
  )
  const collided = collisions.map(({ sentence, rules }) => `"${sentence}" is claimed by ${rules.join(' and ')}`)
  const wrong = [
    ...faults.map((fault) => paint('red', faultText(fault))),
    ...collided.map((line) => paint('red', line)),
  ]
  const end = wrong.length === 0 ? 'all tests pass' : counted(wrong.length, 'problem')
  return [...passed, ...wrong, files.length + wrong.length === 0 ? 'there are no packs to test' : end].join('\n')
}

export function learnedTable(sentences: readonly LearnedView[], { paint, width }: Output): string {
  const now = Date.now()
  return table<LearnedView>(
    [
      { heading: 'ID', cell: ({ id }) => id },
      { heading: 'STATUS', cell: ({ active }) => (active ? 'active' : 'inactive') },
      {
        heading: 'STAGE',
        cell: ({ stage, proven, failed }) => `${stage} (${proven}/${proven + failed})`,
        optional: true,
      },
      { heading: 'FROM', cell: ({ source }) => source, optional: true },
      { heading: 'AGE', cell: ({ learned_at: at }) => age(at, now), optional: true },
      { heading: 'USES', cell: ({ uses }) => String(uses), optional: true },
      { heading: 'SENTENCE', cell: ({ sentence, reading }) => `${sentence}  (as in: ${reading})`, fills: true },
    ],
    sentences,
    paint,
    width,
  )
}
