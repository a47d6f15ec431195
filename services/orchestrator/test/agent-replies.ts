/** What an agent says to words: that they delete a file, or which of several they may delete. */
import { type AgentReply, type Question, Solution } from '@deed/proto/agent'

export const solutionFor = (path: string, more: object = {}): Solution =>
  Solution.parse({
    actions: [{ name: 'delete', title: `delete ${path}`, action: { kind: 'file.delete', input: { path } } }],
    confidence: 1,
    ...more,
  })
export const handled = (path: string, more: object = {}): AgentReply => ({
  outcome: 'handled',
  method: 'autonomous',
  solution: solutionFor(path, more),
})
export const questionAbout = (...paths: string[]): Question => ({
  text: `Which file is meant by it?`,
  options: paths.map((path) => ({
    id: path.replace('.', '-'),
    reading: `delete ${path}`,
    solution: solutionFor(path),
  })),
})
export const asks = (...paths: string[]): AgentReply => ({ outcome: 'asks', question: questionAbout(...paths) })
