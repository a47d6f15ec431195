/** How far an execution is, in a line. */
import { plainLine } from '../terminal/plain-text.ts'

export const progressText = ({
  status,
  percent,
  current,
}: {
  status: string
  percent: number
  current: string | null
}): string => `${status} ${percent} %${current === null ? '' : `  ${plainLine(current)}`}`
