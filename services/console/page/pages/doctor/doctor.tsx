/** What of the mesh is not as it should be, and what to change; the alerts, and their silences. */
import { useKeys } from '../../app/keys.ts'
import { useResource } from '../../app/resource.ts'
import { oneOf, place, readQuery } from '../../app/router.ts'
import { may, session } from '../../app/session.ts'
import { Filters } from '../../components/filters.tsx'
import { CommandLine } from '../../components/id.tsx'
import { Sign } from '../../components/sign.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { Clock } from '../../components/time.tsx'
import { counted } from '../../text/times.ts'
import { Alerts } from './alerts.tsx'
import { type Check, examine } from './checks.ts'

const STATUSES = ['problem', 'warning', 'ok'] as const

export default function Doctor() {
  const { values, faults } = readQuery(place.value.query, {
    status: oneOf(STATUSES),
    silence: (text) => text || undefined,
  })
  const checks = useResource('checks', examine)
  useKeys('Doctor', [{ key: 'r', does: 'examine again', run: checks.reload }])
  const all = checks.value ?? []
  const shown = all.filter(({ status }) => values.status === undefined || status === values.status)
  const countOf = (status: Check['status']): number => all.filter((check) => check.status === status).length
  const allowed = may('doctor.orchestrator')
  return (
    <div class="page flow">
      <header>
        <h1>Doctor</h1>
        {checks.value && allowed && (
          <span role="status">
            {countOf('problem') === 0 ? (
              <span class="text-good">
                <Sign of="✓" /> no problems
              </span>
            ) : (
              <span class="text-bad">
                <Sign of="✕" /> {counted(countOf('problem'), 'problem')}
              </span>
            )}
            {countOf('warning') > 0 && <span class="text-wait"> ! {counted(countOf('warning'), 'warning')}</span>}
          </span>
        )}
        <span class="space" />
        {checks.at !== undefined && allowed && (
          <span class="quiet">
            examined at <Clock at={checks.at} />
          </span>
        )}
        {allowed && (
          <button type="button" onClick={checks.reload} disabled={checks.loading}>
            {checks.loading ? 'Examining…' : 'Examine again'} <kbd>r</kbd>
          </button>
        )}
      </header>
      {may('alert.list') && <Alerts silence={values.silence} />}
      {!allowed ? (
        <Empty title={`Your role, ${session.value?.role ?? 'none'}, does not examine the mesh`}>
          <p>An operator of the mesh does, here or by the command line:</p>
          <CommandLine command="doctor" />
        </Empty>
      ) : (
        <>
          <Filters
            fields={[
              { name: 'status', title: 'Findings', options: STATUSES.map((value) => ({ value, title: value })) },
            ]}
            faults={faults}
            shown={checks.value && `${shown.length} of ${counted(all.length, 'finding')} shown`}
          />
          <Loaded from={checks} what="what the services find">
            {() => (
              <ul class="panel checks">
                {shown.map((check) => (
                  <CheckRow key={`${check.name} ${check.message}`} check={check} />
                ))}
                {shown.length === 0 && <li class="quiet">No finding is of this kind.</li>}
              </ul>
            )}
          </Loaded>
          <p class="quiet">
            The machine itself, NATS and its durability are seen by the command line, on that machine:
          </p>
          <CommandLine command="doctor" />
        </>
      )}
    </div>
  )
}

function CheckRow({ check: { name, status, message, advice, instances } }: { check: Check }) {
  return (
    <li>
      <Status status={status} />
      <div>
        <p>
          <strong>{name}</strong> <Line text={message} max={2_000} />
        </p>
        {advice !== undefined && (
          <p>
            <Sign of="→" /> <Line text={advice} max={1_024} />
          </p>
        )}
        {instances && (
          <p class="quiet">
            of <Line text={instances.join(', ')} max={300} />
          </p>
        )}
      </div>
    </li>
  )
}
