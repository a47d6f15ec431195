/** What the roles remember: the newest, or those with words or of a role. */
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { oneOf, place, readQuery, urlOf, uuid, words } from '../../app/router.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Facts } from '../../components/facts.tsx'
import { Filters } from '../../components/filters.tsx'
import { Split } from '../../components/split.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line, Text } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { optionsOf, ROLES, type ViewProperties, wordsOf } from './query.ts'

type Memory = Output<'organization.recall'>['memories'][number]

/** As many as the mesh returns. */
const LIMIT = 50

const keyOf = ({ by, key }: Memory): string => `${by}/${key}`
const hrefOf = (memory: Memory): string => urlOf('/organization', { ...place.value.query, memory: keyOf(memory) })

const COLUMNS: readonly Column<Memory>[] = [
  {
    name: 'key',
    title: 'Memory',
    cell: (memory) => (
      <>
        <a href={hrefOf(memory)}>
          <Line text={memory.key} max={128} />
        </a>{' '}
        <span class="quiet">
          · <Line text={memory.content} max={160} />
        </span>
      </>
    ),
  },
  { name: 'by', title: 'Of', width: '132px', wideOnly: true, cell: ({ by }) => wordsOf(by) },
  {
    name: 'tags',
    title: 'Tags',
    width: '160px',
    wideOnly: true,
    cell: ({ tags }) => <Line text={tags.join(', ')} max={80} />,
  },
  { name: 'at', title: 'Written', width: '96px', wideOnly: true, cell: ({ at }) => <Time at={at} /> },
]

export function MemoriesView({ query }: ViewProperties) {
  const { values, faults } = readQuery(query, { text: words(512), by: oneOf(ROLES), memory: words(200) })
  const { text = '', by } = values
  const list = useResource(
    `memories ${by} ${text}`,
    async (signal) => {
      const input = { query: text, limit: LIMIT, ...(by === undefined ? {} : { by }) }
      return (await call('organization.recall', input, { signal })).memories
    },
    { everyMs: 10_000 },
  )
  const found = list.value ?? []
  const chosen = found.find((memory) => keyOf(memory) === values.memory)
  return (
    <>
      <Filters
        fields={[
          { name: 'text', title: 'Words', placeholder: 'of a memory' },
          { name: 'by', title: 'Role', options: optionsOf(ROLES) },
        ]}
        faults={faults}
        shown={
          list.value &&
          (found.length < LIMIT
            ? `${found.length} shown`
            : `${LIMIT} shown: ${text === '' ? 'the newest' : 'the best'}`)
        }
      />
      <Loaded from={list} what="memories">
        {() => (
          <Split
            by="memory"
            title={chosen?.key ?? 'Memory'}
            detail={
              values.memory && (chosen ? <MemoryDetail memory={chosen} /> : <Empty title="It is not among these" />)
            }
            list={
              found.length === 0 ? (
                <Empty title={text === '' && by === undefined ? 'No role remembers anything yet' : 'No memory matches'}>
                  <p>
                    {(text !== '' || by !== undefined) && <a href="/organization?view=memories">Show all</a>} A program
                    that acts in a role writes one with its tool <code>remember</code>.
                  </p>
                </Empty>
              ) : (
                <DataTable
                  label="memories"
                  columns={COLUMNS}
                  rows={found}
                  keyOf={keyOf}
                  titleOf={keyOf}
                  hrefOf={hrefOf}
                  current={values.memory}
                  second={(memory) => (
                    <>
                      {wordsOf(memory.by)} <Time at={memory.at} />
                    </>
                  )}
                />
              )
            }
          />
        )}
      </Loaded>
    </>
  )
}

function MemoryDetail({ memory: { content, by, tags, from, at } }: { memory: Memory }) {
  return (
    <>
      <Text text={content} />
      <Facts
        of={[
          ['Of', wordsOf(by)],
          ['Tags', tags.length > 0 && <Line key="tags" text={tags.join(', ')} max={600} />],
          ['From', from !== null && <Origin key="from" of={from} />],
          ['Written', <Time key="at" at={at} />],
        ]}
      />
    </>
  )
}

/** What a program named as the origin: an id leads to what has it, if it is one of an execution. */
function Origin({ of }: { of: string }) {
  return uuid(of) === undefined ? <Line text={of} /> : <a href={`/executions/${of}`}>{of}</a>
}
