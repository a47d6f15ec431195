/** deed models: which models may be asked, what each is good at, and what came of it. */
import { type ListedModel, listModels } from '@deed/proto/model'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { table } from '../show/table.ts'
import { dollars, duration } from '../terminal/amounts.ts'
import type { Output } from '../terminal/output.ts'

export function addModels(program: Command): void {
  program
    .command('models')
    .summary('the models that may be asked, and what came of it')
    .description(
      'The models that may be asked, in the order of their use: what each is good at, its health, and what came of its calls in the last 30 days.',
    )
    .addHelpText(
      'after',
      '\nHow a model is added: docs/extending.md.\n\nExamples:\n  deed models\n  deed models --json',
    )
    .action(async (_options: object, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const found = await withMesh(shell, (bus) => bus.call(listModels, {}))
      out.document(found)
      out.print(
        found.models.length === 0 ? 'No model may be asked: only rules solve tasks.' : modelsTable(found.models, out),
      )
      for (const trouble of found.troubles) out.note(trouble)
    })
}

function modelsTable(models: readonly ListedModel[], { paint, width }: Output): string {
  return table<ListedModel>(
    [
      { heading: 'MODEL', cell: ({ model }) => model },
      { heading: 'GOOD AT', cell: ({ categories }) => categories.join(', '), optional: true },
      { heading: 'HEALTH', cell: ({ health }) => health },
      { heading: 'SUCCESS', cell: ({ success }) => `${Math.round(success * 100)} %` },
      { heading: 'CALLS', cell: ({ calls, solved, verified }) => `${calls}, ${solved} solved, ${verified} verified` },
      { heading: 'TIME', cell: ({ median_ms: ms }) => (ms === null ? '-' : duration(ms)), optional: true },
      { heading: 'COST', cell: ({ price, cost_usd: usd }) => (price === null ? 'free' : dollars(usd)) },
    ],
    models,
    paint,
    width,
  )
}
