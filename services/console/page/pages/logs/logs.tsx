/** What all services have written, as far as their logs are files of the machine of the console. */
import { place, readQuery } from '../../app/router.ts'
import { session } from '../../app/session.ts'
import { CommandLine } from '../../components/id.tsx'
import { LOG_QUERY, LogsView } from '../../components/logs-view.tsx'
import { Empty } from '../../components/states.tsx'

export default function Logs() {
  const { faults } = readQuery(place.value.query, LOG_QUERY)
  return (
    <div class="page">
      <header>
        <h1>Logs</h1>
      </header>
      {session.value?.role === 'admin' ? (
        <LogsView faults={faults} />
      ) : (
        <Empty title="Your role reads the logs of one execution, not all">
          <p>
            Open one of the <a href="/executions">executions</a>, and there Logs; an admin reads those of all tenants
            here.
          </p>
        </Empty>
      )}
      <CommandLine command="logs --follow" />
    </div>
  )
}
