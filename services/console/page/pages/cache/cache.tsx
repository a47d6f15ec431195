/** What was answered once and is kept: how often that served, and what is known of wrong answers. */
import { useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Input, Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { oneOf, place, readQuery, urlOf, uuid } from '../../app/router.ts'
import { may, refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Confirm } from '../../components/dialog.tsx'
import { useDoing } from '../../components/doing.ts'
import { Facts } from '../../components/facts.tsx'
import { Filters } from '../../components/filters.tsx'
import { Id } from '../../components/id.tsx'
import { usePages } from '../../components/pages.ts'
import { Sign } from '../../components/sign.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { count, counted, duration, percent } from '../../text/times.ts'
import { bytes } from './bytes.ts'

type Entry = Output<'cache.list'>['entries'][number]

const KINDS = ['answer', 'solution'] as const
/** More wrong ones than this are not counted one by one. */
const WRONG_MAX = 500

const COLUMNS: readonly Column<Entry>[] = [
  { name: 'kind', title: 'Kind', width: '92px', wideOnly: true, cell: ({ kind }) => kind },
  { name: 'tier', title: 'Found by', width: '120px', wideOnly: true, cell: ({ tier }) => tierWord(tier) },
  {
    name: 'text',
    title: 'Words',
    cell: ({ text, execution_id: id }) => (
      <a href={`/executions/${id}`}>
        <Line text={text} max={200} />
      </a>
    ),
  },
  { name: 'age', title: 'Age', width: '100px', numeric: true, wideOnly: true, cell: ({ age_ms: ms }) => duration(ms) },
  {
    name: 'left',
    title: 'Left',
    width: '100px',
    numeric: true,
    wideOnly: true,
    cell: ({ expires_in_ms: ms }) => duration(Math.max(0, ms)),
  },
  { name: 'hits', title: 'Hits', width: '64px', numeric: true, wideOnly: true, cell: ({ hits }) => count(hits) },
  {
    name: 'bytes',
    title: 'Size',
    width: '80px',
    numeric: true,
    wideOnly: true,
    cell: ({ bytes: size }) => bytes(size),
  },
]

const tierWord = (tier: Entry['tier']): string => (tier === 'exact' ? 'same words' : 'meaning')

export default function Cache() {
  const { values, faults } = readQuery(place.value.query, { kind: oneOf(KINDS), execution: uuid })
  const filter = {
    ...(values.kind ? { kind: values.kind } : {}),
    ...(values.execution ? { execution_id: values.execution } : {}),
  }
  const list = usePages(`cache ${JSON.stringify(filter)}`, async (cursor: string | null, signal) => {
    const page = await call('cache.list', { ...filter, limit: 200, ...(cursor === null ? {} : { cursor }) }, { signal })
    return { rows: page.entries, next: page.next_cursor }
  })
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [asked, setAsked] = useState<'selected' | 'all'>()
  const { busy, run } = useDoing()
  const whyNot = refusal('cache.invalidate') ?? busy
  const rows = list.value?.rows ?? []
  const chosen = rows.filter(({ entry_id: id }) => selected.has(id))
  const invalidate = async (inputs: readonly Input<'cache.invalidate'>[]): Promise<void> => {
    setAsked(undefined)
    await run(
      async () => {
        let removed = 0
        for (const input of inputs) removed += (await call('cache.invalidate', input)).removed
        return removed
      },
      (removed) =>
        `${removed === 1 ? '1 entry is' : `${count(removed)} entries are`} invalidated: the next request is computed again`,
    )
    setSelected(new Set())
    list.reload()
  }
  return (
    <div class="page">
      <header>
        <h1>Cache</h1>
        <div class="bulk" role="toolbar" aria-label="verbs for entries">
          <Button
            kind="danger"
            reason={whyNot ?? (chosen.length === 0 ? 'Select entries first: the box of a row, or x.' : undefined)}
            onClick={() => setAsked('selected')}
          >
            Invalidate{chosen.length > 0 && ` ${chosen.length}`}…
          </Button>
          <Button kind="danger" reason={whyNot} onClick={() => setAsked('all')}>
            Invalidate all…
          </Button>
        </div>
      </header>
      <Rates />
      <Filters
        fields={[
          { name: 'kind', title: 'Kind', options: KINDS.map((value) => ({ value, title: value })) },
          { name: 'execution', title: 'Found by execution', placeholder: 'its whole id' },
        ]}
        faults={faults}
        shown={list.value && `${count(rows.length)}${list.value.next === null ? '' : '+'} shown`}
      />
      <Loaded from={list} what="entries">
        {() =>
          rows.length === 0 ? (
            <Empty title="Nothing is kept that fits">
              <p>
                Answers and solutions that were verified are kept for a while.{' '}
                {Object.keys(filter).length > 0 && <a href="/cache">Show all entries</a>}
              </p>
            </Empty>
          ) : (
            <DataTable
              label="cache entries"
              columns={COLUMNS}
              rows={rows}
              keyOf={({ entry_id: id }) => id}
              titleOf={({ text }) => text.slice(0, 120)}
              hrefOf={({ execution_id: id }) => `/executions/${id}`}
              second={({ kind, tier, hits, age_ms: ms }) => (
                <>
                  <span>{kind}</span> <span>{tierWord(tier)}</span> <span>{count(hits)} hits</span>{' '}
                  <span>{duration(ms)} old</span>
                </>
              )}
              selection={{ keys: selected, change: setSelected }}
              onMore={list.more}
            />
          )
        }
      </Loaded>
      {asked && (
        <InvalidateDialog
          chosen={asked === 'all' ? undefined : chosen}
          onConfirm={(inputs) => void invalidate(inputs)}
          onClose={() => setAsked(undefined)}
        />
      )}
    </div>
  )
}

function InvalidateDialog({
  chosen,
  onConfirm,
  onClose,
}: {
  /** undefined: all of them. */
  chosen: readonly Entry[] | undefined
  onConfirm: (inputs: readonly Input<'cache.invalidate'>[]) => void
  onClose: () => void
}) {
  return (
    <Confirm
      title={chosen ? `Invalidate ${chosen.length} entries` : 'Invalidate all entries of this tenant'}
      verb="Invalidate"
      danger
      onConfirm={() => onConfirm(chosen?.map(({ entry_id }) => ({ entry_id })) ?? [{ all: true }])}
      onClose={onClose}
    >
      <p>They are served no more. The next request with such words is computed and verified again.</p>
      {chosen && (
        <ul class="dialog-list">
          {chosen.map(({ entry_id: id, text, execution_id: execution }) => (
            <li key={id}>
              <Line text={text} max={120} /> <Id id={execution} />
            </li>
          ))}
        </ul>
      )}
    </Confirm>
  )
}

/** The hit rate beside what is known of wrong hits: the one says little without the other. */
function Rates() {
  const rates = useResource(
    'cache rates',
    async (signal) => {
      const [cache, executions, wrong] = await Promise.all([
        call('cache.stats', {}, { signal }),
        call('execution.stats', {}, { signal }),
        may('execution.list')
          ? call('execution.list', { only: 'false_success', method: 'cached', limit: WRONG_MAX }, { signal })
          : undefined,
      ])
      return { cache, executions, wrong }
    },
    { everyMs: 10_000 },
  )
  return (
    <section class="panel">
      <Loaded from={rates} what="rates">
        {({ cache, executions, wrong }) => {
          const served = executions.by_method.cached ?? 0
          const found = wrong?.executions.length ?? 0
          const more = wrong?.next_cursor === null ? '' : '+'
          return (
            <Facts
              of={[
                [
                  'Hit rate',
                  `${percent(cache.hit_rate)}: ${count(cache.hits)} hits, ${count(cache.similar_hits)} of them on similar words; ${count(cache.misses)} misses`,
                ],
                [
                  'Wrong at most',
                  `${percent(cache.wrong_hits.wrong_max)} of answers to similar words (95 %): ${count(cache.wrong_hits.wrong)} of ${count(cache.wrong_hits.judged)} judged were wrong`,
                ],
                [
                  'Wrong hits',
                  <span key="wrong" class={found > 0 ? 'text-bad' : ''}>
                    {found > 0 && <Sign of="✕" />}{' '}
                    {wrong ? (
                      <>
                        <a href={urlOf('/executions', { only: 'false_success', method: 'cached' })}>
                          {count(found)}
                          {more} known
                        </a>{' '}
                        of {counted(served, 'execution')} answered from here
                      </>
                    ) : (
                      'not known to your role'
                    )}
                  </span>,
                ],
                [
                  '',
                  <span key="note" class="quiet">
                    Known are those whose action was seen not to hold. A wrong answer that nobody noticed is not among
                    them.
                  </span>,
                ],
                ['Kept', `${count(cache.entries)} entries, ${bytes(cache.bytes)}; ${count(cache.evictions)} evicted`],
              ]}
            />
          )
        }}
      </Loaded>
    </section>
  )
}
