/** Actions that are approved ahead, within bounds, until a time. */
import { useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useKeys } from '../../app/keys.ts'
import { useResource } from '../../app/resource.ts'
import { oneOf, place, readQuery, urlOf, uuid } from '../../app/router.ts'
import { may, refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Confirm } from '../../components/dialog.tsx'
import { useDoing } from '../../components/doing.ts'
import { Facts } from '../../components/facts.tsx'
import { Filters, setQuery } from '../../components/filters.tsx'
import { GrantForm } from '../../components/grant-form.tsx'
import { CommandLine, Id } from '../../components/id.tsx'
import { Level } from '../../components/level.tsx'
import { Split } from '../../components/split.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { now, Time } from '../../components/time.tsx'
import { shortId } from '../../text/inert-text.ts'

type Grant = Output<'grant.list'>['grants'][number]

const LIMIT = 500

function statusOf({ revoked_at: revoked, expires_at: expires }: Grant): 'active' | 'revoked' | 'expired' {
  return revoked !== null ? 'revoked' : Date.parse(expires) <= now.value ? 'expired' : 'active'
}

function scopeOf({ kind, target, workspace, path, input, user }: Grant): string {
  return [
    kind,
    ...(target === null ? [] : [`on ${target}`]),
    ...(path === null ? [] : [`in ${workspace === null ? '' : `${workspace}: `}${path}`]),
    ...(input === null ? [] : [`with ${JSON.stringify(input)}`]),
    ...(user === null ? [] : [`for ${user}`]),
  ].join(' ')
}

const hrefOf = ({ grant_id: grant }: Grant): string => urlOf('/grants', { ...place.value.query, grant })

const COLUMNS: readonly Column<Grant>[] = [
  {
    name: 'status',
    title: 'Status',
    width: '108px',
    wideOnly: true,
    cell: (grant) => <Status status={statusOf(grant)} />,
  },
  {
    name: 'scope',
    title: 'Approved ahead',
    cell: (grant) => (
      <a href={hrefOf(grant)}>
        <Line text={scopeOf(grant)} />
      </a>
    ),
  },
  { name: 'level', title: 'Up to', width: '88px', wideOnly: true, cell: ({ level }) => <Level level={level} /> },
  {
    name: 'by',
    title: 'By',
    width: '104px',
    wideOnly: true,
    cell: ({ granted_by: by }) => <Line text={by} max={64} />,
  },
  { name: 'until', title: 'Until', width: '100px', wideOnly: true, cell: ({ expires_at: at }) => <Time at={at} /> },
  { name: 'uses', title: 'Uses', width: '64px', numeric: true, wideOnly: true, cell: ({ uses }) => uses },
]

export default function Grants() {
  const { values, faults } = readQuery(place.value.query, { grant: uuid, which: oneOf(['all']), form: oneOf(['new']) })
  // A link may name one that is over.
  const all = values.which === 'all' || values.grant !== undefined
  const grants = useResource(
    `grants ${all}`,
    async (signal) => (may('grant.list') ? (await call('grant.list', { all, limit: LIMIT }, { signal })).grants : []),
    { on: ({ type }) => type === 'approval.used' || type === 'approval.recalled', everyMs: 30_000 },
  )
  useKeys('Grants', [{ key: 'c', does: 'a new grant', run: () => setQuery({ form: 'new' }) }])
  const found = grants.value ?? []
  const chosen = found.find(({ grant_id: id }) => id === values.grant)
  return (
    <div class="page">
      <header>
        <h1>Grants</h1>
        <span class="space" />
        <Button kind="primary" reason={refusal('grant.put')} onClick={() => setQuery({ form: 'new' })}>
          New grant <kbd>c</kbd>
        </Button>
      </header>
      <Filters
        fields={[
          {
            name: 'which',
            title: 'Which',
            none: 'those that hold',
            options: [{ value: 'all', title: 'also those that are over' }],
          },
        ]}
        faults={faults}
        shown={grants.value && `${found.length}${found.length === LIMIT ? ' newest' : ''} shown`}
      />
      <Loaded from={grants} what="grants">
        {() =>
          found.length === 0 ? (
            <Empty title={may('grant.list') ? 'Nothing is approved ahead' : 'Grants are shown to approvers'}>
              <p>A grant lets actions of one kind run without a question, within bounds, until a time.</p>
              <CommandLine command="grant service.restart --target demo-api --until 2h" />
            </Empty>
          ) : (
            <Split
              by="grant"
              title={chosen ? scopeOf(chosen) : ''}
              detail={chosen && <GrantDetail key={chosen.grant_id} grant={chosen} onChange={grants.reload} />}
              list={
                <DataTable
                  label="grants"
                  columns={COLUMNS}
                  rows={found}
                  keyOf={({ grant_id: id }) => id}
                  titleOf={scopeOf}
                  hrefOf={hrefOf}
                  second={(grant) => (
                    <>
                      <Status status={statusOf(grant)} /> <Level level={grant.level} /> <Time at={grant.expires_at} />
                    </>
                  )}
                />
              }
            />
          )
        }
      </Loaded>
      {values.form && <GrantForm onDone={grants.reload} onClose={() => setQuery({ form: undefined })} />}
    </div>
  )
}

function GrantDetail({ grant, onChange }: { grant: Grant; onChange: () => void }) {
  const { grant_id: id, means } = grant
  const [revoking, setRevoking] = useState(false)
  const { busy, run } = useDoing()
  const over = statusOf(grant) === 'active' ? undefined : `It is ${statusOf(grant)}.`
  return (
    <>
      <div class="row">
        <Status status={statusOf(grant)} /> <Level level={grant.level} />
        <span class="space" />
        <Button kind="danger" reason={over ?? refusal('grant.delete') ?? busy} onClick={() => setRevoking(true)}>
          Revoke…
        </Button>
      </div>
      <Facts
        of={[
          ['Kind', <code key="kind">{grant.kind}</code>],
          ['Target', grant.target && <Line text={grant.target} />],
          [
            'Path',
            grant.path && <Line text={`${grant.workspace === null ? '' : `${grant.workspace}: `}${grant.path}`} />,
          ],
          ['Arguments', grant.input && <code>{<Line text={JSON.stringify(grant.input)} max={1_000} />}</code>],
          ['Requests of', grant.user === null ? 'everybody' : <Line text={grant.user} />],
          ['Until', <Time key="until" at={grant.expires_at} exact />],
          ['Granted by', <Line key="by" text={grant.granted_by} />],
          ['When', <Time key="at" at={grant.created_at} />],
          ['Reason', grant.reason && <Line text={grant.reason} max={1_000} />],
          ['Uses', `${grant.uses}`],
          ['Revoked by', grant.revoked_by && <Line text={grant.revoked_by} />],
          ['Id', <Id key="id" id={id} />],
          ...Object.entries(means).map(([name, value]): [string, preact.ComponentChildren] => [
            `Means ${name}`,
            <Line key={name} text={String(value)} />,
          ]),
        ]}
      />
      <CommandLine command={`revoke ${shortId(id)}`} />
      {revoking && (
        <Confirm
          title="Revoke the grant"
          verb="Revoke"
          danger
          onConfirm={() => {
            setRevoking(false)
            void run(
              () => call('grant.delete', { grant_id: id }),
              ({ uses }) => `Revoked after ${uses} uses`,
            ).then(onChange)
          }}
          onClose={() => setRevoking(false)}
        >
          <p>
            <Line text={scopeOf(grant)} />
          </p>
          <p>It ends at once: actions that have not begun need another approval.</p>
        </Confirm>
      )}
    </>
  )
}
