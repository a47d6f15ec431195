/** What a person is asked about the words of a task, and how to answer. */
import type { OpenQuestion, PersonTask } from '@deed/proto/person'
import { exposedLine } from '@deed/text/exposed-text'
import { moment } from '../terminal/amounts.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import type { Paint } from '../terminal/paint.ts'
import { shownId } from '../terminal/terminal.ts'

/** @param now milliseconds since 1970 */
export function questionText(
  { approval_id: id, task, requested_by: by, expires_at: expires }: PersonTask,
  question: OpenQuestion,
  paint: Paint,
  now = Date.now(),
): string {
  return [
    paint('bold', exposedLine(question.text)),
    `  task      ${exposedLine(task)}`,
    `  asked by  ${exposedLine(by)}`,
    ...optionLines(question),
    ...(expires === null ? [] : [`  expires   ${moment(expires, now)}`]),
    `  question  ${shownId(id)}`,
  ].join('\n')
}

/** The readings, numbered from 1, with the actions of each where they say more. */
export const optionLines = ({ options }: OpenQuestion): string[] =>
  options.flatMap(({ reading, actions }, index) => [
    `  ${index + 1}. ${exposedLine(reading)}`,
    ...(actions.length > 1 ? actions.map(({ title }) => `     - ${exposedLine(title)}`) : []),
  ])

export function howToChoose({ approval_id: id, question }: Pick<PersonTask, 'approval_id' | 'question'>): string {
  const other = `  ${deedCommand(`choose ${shownId(id)} --words "..."`)}`
  return question === null || question.options.length === 0
    ? `Waiting for an answer. Say it in other words with\n${other}`
    : `Waiting for an answer. Choose a reading by its number with\n  ${deedCommand(`choose ${shownId(id)} 1`)}\nor say it in other words with\n${other}`
}
