/** deed completion: a script for the shell. */
import { Argument, type Command } from 'commander'
import { shellOf } from '../connect/shell.ts'
import { completionScript, SHELLS, type ShellName, treeOf } from '../terminal/completion.ts'

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'whose script it is').choices(SHELLS))
    .summary('a script that completes commands in bash, zsh or fish')
    .description('Print a script that completes commands and options in bash, zsh or fish.')
    .addHelpText(
      'after',
      `
Examples:
  source <(deed completion bash)
  deed completion bash > ~/.local/share/bash-completion/completions/deed
  deed completion zsh > ~/.zfunc/_deed
  deed completion fish > ~/.config/fish/completions/deed.fish`,
    )
    .action((name: ShellName, _: object, command: Command) => {
      const { out } = shellOf(command)
      const script = completionScript(name, treeOf(program))
      out.document({ shell: name, script })
      out.print(script)
    })
}
