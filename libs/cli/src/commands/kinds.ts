/** deed kinds: what can be done at all, each kind of action with its input and an example. */
import { type KindListing, listKinds } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { table } from '../show/table.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import type { Output } from '../terminal/output.ts'

export function addKinds(program: Command): void {
  program
    .command('kinds')
    .argument('[kind]', 'one of them, with the schema of its input and an example')
    .summary('the kinds of action that the mesh can take')
    .description('The kinds of action that the mesh can take.')
    .addHelpText(
      'after',
      '\nThe words for them: deed rules.\n\nExamples:\n  deed kinds\n  deed kinds file.patch\n  deed kinds --json',
    )
    .action(async (name: string | undefined, _options: object, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const { kinds } = await withMesh(shell, (bus) => bus.call(listKinds, {}))
      if (name === undefined) {
        out.document({ kinds })
        out.print(kindsTable(kinds, out))
        out.note(`the words for them: ${deedCommand('rules')}`)
        return
      }
      const kind = kinds.find((one) => one.name === name)
      if (!kind) throw new DeedError('unknown_kind', `the executor has no kind ${name}; see deed kinds`)
      out.document(kind)
      out.print(kindText(kind))
    })
}

function kindsTable(kinds: readonly KindListing[], { paint, width }: Output): string {
  return table<KindListing>(
    [
      { heading: 'KIND', cell: ({ name }) => name },
      { heading: 'VERSION', cell: ({ version }) => String(version), optional: true },
      { heading: 'EFFECT', cell: ({ effect }) => effect, optional: true },
      { heading: 'UNDO', cell: ({ reversibility, effect }) => (effect === 'read' ? 'nothing to undo' : reversibility) },
      { heading: 'EXAMPLE', cell: ({ summary }) => summary, fills: true },
    ],
    kinds,
    paint,
    width,
  )
}

const kindText = ({ name, version, effect, reversibility, idempotent, input, example }: KindListing): string =>
  [
    `${name}, version ${version}: ${effect}, ${reversibility}, ${idempotent ? 'may run twice' : 'runs once'}`,
    '',
    'Input, as JSON Schema:',
    JSON.stringify(input, null, 2),
    '',
    'Example:',
    JSON.stringify(example, null, 2),
  ].join('\n')
