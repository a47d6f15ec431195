/** deed templates: what code is generated from, and how well each template has done. */
import { analyzeTemplates, getTemplate, Language, listTemplates, TemplateId } from '@deed/proto/template'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { analysisText, templateTable, templateText } from '../show/templates.ts'
import { by, count } from '../terminal/options.ts'

export function addTemplates(program: Command): void {
  const templates = program
    .command('templates')
    .summary('what code is generated from, and how it did')
    .description('What code is generated from, and how well each template has done.')
    .addHelpText(
      'after',
      `
A template of your own goes to the folder TEMPLATES_DIR: see docs/extending.md.

Examples:
  deed templates --language python
  deed templates show nats_consumer.elixir
  deed templates analyze`,
    )
  templates
    .command('list', { isDefault: true })
    .description('all templates, with the verified outcomes of their use')
    .option('--language <language>', 'only of this language', by(Language))
    .option('--type <type>', 'only for this task type')
    .addHelpText('after', '\nExample:\n  deed templates list --language python')
    .action(async ({ language, type }: { language?: Language; type?: string }, command: Command) => {
      const shell = shellOf(command)
      const reply = await withMesh(shell, (bus) => bus.call(listTemplates, { language, task_type: type }))
      shell.out.document(reply)
      shell.out.print(templateTable(reply.templates, shell.out))
      if (reply.faults.length === 0) return
      shell.out.note(
        shell.out.paint('red', 'A change in TEMPLATES_DIR is not used; the earlier templates stay in force:'),
      )
      for (const fault of reply.faults) shell.out.note(fault)
    })
  templates
    .command('show')
    .argument('<template>', 'its id', by(TemplateId))
    .description('one template: its slots, checks and body')
    .addHelpText('after', '\nExample:\n  deed templates show database.sql')
    .action(async (id: string, _options: object, command: Command) => {
      const shell = shellOf(command)
      const template = await withMesh(shell, (bus) => bus.call(getTemplate, { id }))
      shell.out.document(template)
      shell.out.print(templateText(template))
    })
  templates
    .command('analyze')
    .description('what the templates are worth, and what to do about it')
    .option('--days <count>', 'days of the trend', count, 30)
    .addHelpText('after', '\nExample:\n  deed templates analyze --days 90')
    .action(async ({ days }: { days: number }, command: Command) => {
      const shell = shellOf(command)
      const analysis = await withMesh(shell, (bus) => bus.call(analyzeTemplates, { days }))
      shell.out.document(analysis)
      shell.out.print(analysisText(analysis, shell.out))
    })
}
