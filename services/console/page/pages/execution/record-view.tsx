/** The whole record of the execution, as JSON: to read, and to keep. */
import { useMemo } from 'preact/hooks'
import { CommandLine } from '../../components/id.tsx'
import { Text } from '../../components/text.tsx'
import type { Execution } from './use-execution.ts'

export function RecordView({ execution: { detail, tasks, rows, rowCount, missing } }: { execution: Execution }) {
  // What is shown is cut, so only its beginning is written out; the file has all of it.
  const begin = useMemo(
    () => JSON.stringify({ ...detail, tasks: tasks.slice(0, 20), timeline: rows.slice(0, 50) }, null, 2),
    [detail, tasks, rowCount],
  )
  const cut = tasks.length > 20 || rowCount > 50
  const id = detail.execution_id
  const download = (): void => {
    const { omitted: _, ...whole } = detail
    const text = JSON.stringify({ ...whole, tasks, timeline: rows.slice(0, rowCount) }, null, 2)
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
    const link = document.createElement('a')
    link.href = url
    link.download = `execution-${id}.json`
    link.click()
    // The browser reads it after this turn.
    setTimeout(() => URL.revokeObjectURL(url), 10_000)
  }
  return (
    <div class="scroll stacked-view">
      <p class="row">
        <button type="button" aria-disabled={missing > 0} onClick={() => missing === 0 && download()}>
          Download all of it
        </button>
        <CommandLine command={`show ${id} --full --json`} />
      </p>
      {cut && <p class="quiet">Here are the first 20 tasks and 50 rows; the file has all of them.</p>}
      <Text text={begin} max={20_000} />
    </div>
  )
}
