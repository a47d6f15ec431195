/** Completion for shells, made from the tree of commands: what may follow the words that are there already. */
import { type Command, Help } from 'commander'
import { shellQuoted } from './deed-command.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type ShellName = (typeof SHELLS)[number]

interface Word {
  word: string
  about: string
  /** Of an option: what may follow it; absent where it takes no value. Empty: a file. */
  values?: readonly string[]
}

/** A command by its words, such as ` goal put`, and what may follow it. */
interface Place {
  at: string
  commands: Word[]
  options: Word[]
  /** Of its arguments. */
  values: readonly string[]
}

export function treeOf(command: Command, at = ''): Place[] {
  const help = command.createHelp()
  const options = [...help.visibleOptions(command), ...globalsOf(command)].map((option) => ({
    word: option.long ?? option.short ?? '',
    about: option.description,
    ...(option.required || option.optional ? { values: option.argChoices ?? [] } : {}),
  }))
  // Of all of them: the help of `deed` names the frequent ones alone.
  const commands = new Help().visibleCommands(command)
  return [
    {
      at,
      commands: commands.map((one) => ({ word: one.name(), about: one.summary() || one.description() })),
      options,
      values: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    },
    ...commands.filter((one) => one.name() !== 'help').flatMap((one) => treeOf(one, `${at} ${one.name()}`)),
  ]
}

const globalsOf = (command: Command): Command['options'] =>
  command.parent
    ? [...command.parent.options.filter(({ long }) => long !== '--version'), ...globalsOf(command.parent)]
    : []

export function completionScript(shell: ShellName, places: readonly Place[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](places)
}

const wordsOf = (words: readonly Word[]): string[] => words.map(({ word }) => word)
/** Every command but the program itself, as the arm of a case. */
const known = (places: readonly Place[]): string =>
  places.flatMap(({ at }) => (at === '' ? [] : [shellQuoted(at)])).join(' | ')

/** Options that take a value, behind their commands, by the values that they take: the arms of a case. */
function valued(places: readonly Place[]): { arm: string; values: string[] }[] {
  const found = places.flatMap(({ at, options }) =>
    options.flatMap(({ word, values }) =>
      values === undefined ? [] : [{ at: shellQuoted(`${at} ${word}`), values: values.join(' ') }],
    ),
  )
  return [...Map.groupBy(found, ({ values }) => values)].map(([values, alike]) => ({
    arm: alike.map(({ at }) => at).join(' | '),
    values: values === '' ? [] : values.split(' '),
  }))
}

const bashScript = (places: readonly Place[]): string => `# Completion of deed for bash: source this file.
_deed() {
  local current=\${COMP_WORDS[COMP_CWORD]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${known(places)}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at \${COMP_WORDS[COMP_CWORD - 1]}" in
${valued(places)
  .map(
    ({ arm, values }) =>
      `    ${arm}) COMPREPLY=($(compgen -W ${shellQuoted(values.join(' '))} -- "$current")); return ;;`,
  )
  .join('\n')}
  esac
  case "$at" in
${places
  .map(({ at, commands, options, values }) => {
    const words = [...wordsOf(commands), ...values].join(' ')
    return `    ${shellQuoted(at)}) words=${shellQuoted(words)}; [[ $current == -* ]] && words=${shellQuoted(wordsOf(options).join(' '))} ;;`
  })
  .join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _deed deed`

const described = (words: readonly Word[]): string =>
  words.map(({ word, about }) => shellQuoted(`${word}:${about.replaceAll(':', '\\:')}`)).join(' ')

const zshScript = (places: readonly Place[]): string => `#compdef deed
# Completion of deed for zsh: a file _deed in a folder of fpath.
_deed() {
  local at= word
  local -a entries
  for word in \${words[2,CURRENT-1]}; do
    case "$at $word" in
      (${known(places)}) at="$at $word" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${valued(places)
  .map(
    ({ arm, values }) => `    (${arm}) ${values.length === 0 ? '_files' : `compadd -- ${values.join(' ')}`}; return ;;`,
  )
  .join('\n')}
  esac
  case "$at" in
${places
  .map(({ at, commands, options, values }) => {
    const plain = values.map((word) => ({ word, about: '' }))
    return `    (${shellQuoted(at)}) entries=(${described([...commands, ...plain])}); [[ \${words[CURRENT]} == -* ]] && entries=(${described(options)}) ;;`
  })
  .join('\n')}
  esac
  if (( \${#entries} )); then _describe deed entries; else _files; fi
}
if [[ "\${funcstack[1]}" == _deed ]]; then _deed "$@"; else compdef _deed deed; fi`

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ at, commands, options, values }) => {
    const here = `complete -c deed -n ${shellQuoted(`__deed_at '${at}'`)}`
    return [
      ...commands.map(({ word, about }) => `${here} -f -a ${shellQuoted(word)} -d ${fishText(about)}`),
      ...values.map((word) => `${here} -f -a ${shellQuoted(word)}`),
      ...options.map(
        ({ word, about, values: following }) =>
          `${here} ${word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`} -d ${fishText(about)}${
            following === undefined ? '' : following.length === 0 ? ' -r' : ` -x -a ${shellQuoted(following.join(' '))}`
          }`,
      ),
    ]
  })
  return `# Completion of deed for fish: a file deed.fish in a folder of fish_complete_path.
function __deed_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${places.flatMap(({ at }) => (at === '' ? [] : [shellQuoted(at)])).join(' ')}
        set at "$at $word"
    end
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}`
}

/** In fish, a quote within quotes has a backslash before it. */
const fishText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
