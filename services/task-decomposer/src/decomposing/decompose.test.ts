// Requests as people write them, and the tasks that they ask for. A wrong split would do what nobody asked for, so most
// sentences here must stay together.
import { DeedError } from '@deed/proto/errors'
import { decomposeTask, EDGES_MAX, type GoalNode, NODES_MAX, PHASES } from '@deed/proto/task'
import { describe, expect, it } from 'vitest'
import { decompose, type Goal } from './decompose.ts'

/** The tasks of a text as `title` or `title <- numbers of its dependencies`. */
function tasksOf(text: string): string[] {
  return decompose({ goal: text }).nodes.map(({ title, depends_on }) =>
    depends_on.length === 0 ? title : `${title} <- ${depends_on.map((id) => id.slice(5)).join(' ')}`,
  )
}

const ONE_TASK = [
  'how many assets do we have?',
  'show server details for web-01',
  'check disk space on this host',
  'restart service demo-api',
  'The test-service is down. Fix it.',
  'the test-service is down, fix it',
  'create a NATS consumer for processing user events (elixir)',
  'refactor src/x.ts: rename a to b',
  'deploy the application',
  'full health check',
  'delete the database',
  'Please restart demo-api.',
  'check demo-api and restart it if it is down',
  'Check web-01 and restart nginx if the check fails',
  'show logs and metrics of demo-api',
  'compare CPU and memory usage of web-01 and web-02',
  'check the logs and report errors',
  'create a.txt, b.txt and c.txt',
  'stop and start demo-api',
  'search and replace foo with bar in src/a.ts',
  'find and fix the bug in the parser',
  'write a script to read and write files',
  'create a service that reads messages and stores them',
  'Build a worker that can start jobs and stop jobs',
  'write "stop demo-api and start web-01" to note.txt',
  "write 'first delete a.txt, then create b.txt' to note.txt",
  'run `git add . && git commit -m "x"; git push` in the workspace',
  'create a file with the content restart demo-api and check web-01',
  'write a note saying delete a.txt, restart demo-api and check web-01',
  'implement create, read, update and delete for orders',
  'enable backup and restore for db-01',
  'if demo-api is down then restart worker-2 and check web-01',
  'when the disk is full delete old logs and restart demo-api',
  'before restarting demo-api, check web-01 and save the state',
  'rename getUser to findUser and update all callers',
  'Write a README. It should explain the setup.',
  'Create a migration for invoices. Make sure it can be undone.',
  'Restart demo-api. Do not touch worker-2.',
  'List all servers in Berlin and Munich',
  'What is the status of demo-api and web-01?',
  'explain what test and build do',
  'UPDATE a SET b = 1; DELETE FROM c',
  'run the query SELECT a AND b FROM t',
  'add search and filter to the table',
  'create a user with read and write permissions',
  'create files for:\n- users\n- orders\n- invoices',
  'copy src/and/then.txt to dst/and/then.txt',
  'Use Node.js v. 24 for the build, e.g. Alpine.',
  'Fix the login page, the search and the export button',
  'Set up nginx with TLS and HTTP/2',
  '日本語のタスクと他のタスク',
  'and then',
  '; , and . then',
]

const SEVERAL: [text: string, ...tasks: string[]][] = [
  ['restart demo-api, then check web-01', 'Restart demo-api', 'Check web-01 <- 1'],
  ['restart demo-api and then check web-01', 'Restart demo-api', 'Check web-01 <- 1'],
  ['restart demo-api; then check web-01', 'Restart demo-api', 'Check web-01 <- 1'],
  ['restart demo-api; check web-01', 'Restart demo-api', 'Check web-01 <- 1'],
  ['first restart demo-api, then check web-01', 'Restart demo-api', 'Check web-01 <- 1'],
  [
    'First, restart demo-api. Then check web-01. Finally, delete a.txt.',
    'Restart demo-api.',
    'Check web-01. <- 1',
    'Delete a.txt. <- 2',
  ],
  ['restart demo-api and check disk space on web-01', 'Restart demo-api', 'Check disk space on web-01'],
  ['create a.txt, delete b.txt and restart demo-api', 'Create a.txt', 'Delete b.txt', 'Restart demo-api'],
  ['create a.txt, delete b.txt, and restart demo-api', 'Create a.txt', 'Delete b.txt', 'Restart demo-api'],
  ['create a.txt and b.txt and delete c.txt', 'Create a.txt and b.txt', 'Delete c.txt'],
  ['create a.txt and b.txt, then delete c.txt and d.txt', 'Create a.txt and b.txt', 'Delete c.txt and d.txt <- 1'],
  ['Can you please restart demo-api and check web-01?', 'Restart demo-api', 'Check web-01?'],
  ['stop demo-api and start demo-api', 'Stop demo-api', 'Start demo-api <- 1'],
  ['create a.txt, delete b.txt, then deploy web', 'Create a.txt', 'Delete b.txt', 'Deploy web <- 1 2'],
  ['run the tests, then deploy', 'Run the tests', 'Deploy <- 1'],
  [
    'update the docs, run the tests and deploy to staging',
    'Update the docs',
    'Run the tests <- 1',
    'Deploy to staging <- 1 2',
  ],
  ['restart demo-api and check it, then delete b.txt', 'Restart demo-api and check it', 'Delete b.txt <- 1'],
  ['check that demo-api is up and delete b.txt', 'Check that demo-api is up', 'Delete b.txt'],
  ['write a program to open a file, then run the tests', 'Write a program to open a file', 'Run the tests <- 1'],
  ['write "a and b" to a.txt and delete b.txt', 'Write "a and b" to a.txt', 'Delete b.txt'],
  ['Restart demo-api. Check web-01.', 'Restart demo-api.', 'Check web-01. <- 1'],
  ['How many assets do we have? Restart demo-api.', 'How many assets do we have?', 'Restart demo-api. <- 1'],
  [
    '1. restart demo-api\n2. check web-01\n3. delete a.txt',
    'Restart demo-api',
    'Check web-01 <- 1',
    'Delete a.txt <- 2',
  ],
  ['Do the following:\n- restart demo-api\n- check web-01', 'Restart demo-api', 'Check web-01 <- 1'],
  ['1) restart demo-api 2) check web-01', 'Restart demo-api', 'Check web-01 <- 1'],
  ['Please do these steps: 1. restart demo-api 2. check web-01', 'Restart demo-api', 'Check web-01 <- 1'],
  ['restart demo-api\ncheck web-01', 'Restart demo-api', 'Check web-01 <- 1'],
  [
    'create a.txt containing hello and create b.txt containing bye',
    'Create a.txt containing hello',
    'Create b.txt containing bye',
  ],
  [
    'create a.txt, restart demo-api, and show the contents of a.txt',
    'Create a.txt',
    'Restart demo-api',
    'Show the contents of a.txt <- 1',
  ],
  ['restart demo-api, also check web-01', 'Restart demo-api', 'Check web-01'],
  ['restart demo-api and check the logs', 'Restart demo-api', 'Check the logs <- 1'],
  ['restart demo-api and check disk space on this host', 'Restart demo-api', 'Check disk space on this host'],
  ['show the alerts and list the services', 'Show the alerts', 'List the services'],
  ['Restart demo-api & check web-01', 'Restart demo-api', 'Check web-01'],
]

describe('a goal in plain words', () => {
  it.each(ONE_TASK)('stays one task: %s', (text) => {
    const { method, nodes } = decompose({ goal: text })
    expect(nodes.map(({ title }) => title)).toHaveLength(1)
    expect(method).toBe('single')
    expect(nodes[0]).toMatchObject({ id: 'task-1', kind: 'task', description: text, depends_on: [] })
  })

  it.each(SEVERAL)('is several tasks: %s', (text, ...tasks) => {
    expect(tasksOf(text)).toEqual(tasks)
    expect(decompose({ goal: text }).method).toBe('clauses')
  })

  it.each([
    [
      'In workspace shop, create a.txt and delete b.txt',
      ['In workspace shop, create a.txt', 'In workspace shop, delete b.txt'],
    ],
    [
      'The demo-api is slow. Check web-01, then restart worker-2.',
      ['The demo-api is slow. Check web-01.', 'The demo-api is slow. restart worker-2.'],
    ],
    [
      'Restart demo-api. Then check web-01. Do not touch worker-2.',
      ['Restart demo-api. Do not touch worker-2.', 'Then check web-01. Do not touch worker-2.'],
    ],
    [
      'Set up the shop:\n1. Create a.txt\n2. Delete b.txt',
      ['Set up the shop:\nCreate a.txt', 'Set up the shop:\nDelete b.txt'],
    ],
    [
      'create a consumer for orders and write tests for the parser (elixir)',
      ['create a consumer for orders (elixir)', 'write tests for the parser (elixir)'],
    ],
  ])('keeps what the tasks share with each of them: %s', (text, descriptions) => {
    expect(decompose({ goal: text }).nodes.map(({ description }) => description)).toEqual(descriptions)
  })

  it('gives each acceptance criterion to one task', () => {
    const { nodes } = decompose({
      goal: 'create a.txt, then restart demo-api',
      acceptance_criteria: ['demo-api answers', 'a.txt exists', 'nobody complains'],
    })
    expect(nodes.map(({ acceptance_criteria }) => acceptance_criteria)).toEqual([
      ['a.txt exists'],
      ['demo-api answers', 'nobody complains'],
    ])
  })

  it('rates the risk of each task', () => {
    const risks = decompose({ goal: 'show web-01, then restart demo-api, then delete a.txt' }).nodes.map(
      ({ risk }) => risk,
    )
    expect(risks).toEqual(['low', 'medium', 'high'])
  })
})

describe('a large goal', () => {
  const LARGE: [string, Goal['complexity']][] = [
    ['Build an inventory system with search, import and an admin page', undefined],
    ['Implement a booking platform', undefined],
    ['build a web application with login, billing and reports', undefined],
    ['Create a complete e-commerce application', undefined],
    ['create a notification service', 'complex'],
    ['refactor the billing module', 'complex'],
    ['create a backend for a shop', 'medium'],
  ]
  const NOT_LARGE: [string, Goal['complexity']][] = [
    ['Build an inventory system with search, import and an admin page', 'simple'],
    ['create a NATS consumer for processing user events', 'medium'],
    ['restart service demo-api', 'complex'],
    ['deploy the application', 'complex'],
    ['deploy the application', 'medium'],
    ['check the booking system', undefined],
    ['how many assets do we have?', 'complex'],
    ['fix the bug in the platform', 'medium'],
    ['create a file with a, b and c', undefined],
  ]

  it.each(LARGE)('is planned in phases: %s (%s)', (goal, complexity) => {
    const graph = decompose({ goal, complexity })
    expect(graph.method).toBe('phases')
    expectValid(graph.nodes)
    expect(graph.nodes.filter(({ kind }) => kind === 'phase').map(({ id }) => id)).toEqual([...PHASES])
    for (const node of graph.nodes.filter(({ kind }) => kind === 'task')) {
      expect(node.description).toContain(goal)
      expect(node.acceptance_criteria).not.toEqual([])
      expect(node.estimated_ms).toBeGreaterThan(0)
    }
    expect(graph.critical_path_ms).toBeGreaterThan(0)
  })

  it.each(NOT_LARGE)('has no ceremony when it is none: %s (%s)', (goal, complexity) => {
    expect(decompose({ goal, complexity }).method).toBe('single')
  })

  it('implements its parts in parallel and verifies every criterion at the end', () => {
    const { nodes } = decompose({
      goal: 'Build an inventory system with search, import and an admin page',
      acceptance_criteria: ['search answers in 1 s'],
    })
    const byId = new Map(nodes.map((node) => [node.id, node]))
    expect(byId.get('refinement.search.implement')?.depends_on).toEqual(['architecture.design'])
    expect(byId.get('refinement.admin-page.implement')?.depends_on).toEqual(['architecture.design'])
    expect(byId.get('completion.integrate')?.depends_on).toHaveLength(3)
    expect(byId.get('completion.verify')?.acceptance_criteria).toEqual(['search answers in 1 s'])
  })

  it('takes the complexity from the context, too', () => {
    expect(decompose({ goal: 'create a notifier', context: { complexity: 'complex' } }).method).toBe('phases')
  })
})

describe('a proposed graph', () => {
  const task = (id: string, ...depends_on: string[]) => ({
    id,
    description: `do ${id}`,
    depends_on,
    acceptance_criteria: [],
  })
  const propose = (...tasks: ReturnType<typeof task>[]) => decompose({ goal: 'x', tasks })

  function refusal(work: () => unknown): DeedError {
    try {
      work()
    } catch (error) {
      if (error instanceof DeedError) return error
      throw error
    }
    throw new Error('it was accepted')
  }

  it('is sorted, and keeps the given order where no dependency forbids it', () => {
    const { nodes, method } = propose(task('d', 'b', 'c', 'b'), task('c', 'a'), task('b', 'a'), task('a'), task('e'))
    expect(method).toBe('proposed')
    expect(nodes.map(({ id }) => id)).toEqual(['a', 'c', 'b', 'd', 'e'])
    expect(nodes[3]?.depends_on).toEqual(['b', 'c'])
  })

  it('is refused with both positions of a duplicate id', () => {
    expect(refusal(() => propose(task('a'), task('b'), task('a')))).toMatchObject({
      code: 'duplicate_id',
      path: '$.tasks[2].id',
      details: { id: 'a', places: ['$.tasks[0].id', '$.tasks[2].id'] },
    })
  })

  it('is refused with the cycle', () => {
    const { code, details } = refusal(() =>
      propose(task('x'), task('a', 'c'), task('b', 'a'), task('c', 'b', 'x'), task('d', 'a')),
    )
    expect(code).toBe('cyclic_dependency')
    expect(details).toEqual({ cycle: ['a', 'c', 'b', 'a'] })
    expect(refusal(() => propose(task('a', 'a')))).toMatchObject({
      code: 'cyclic_dependency',
      details: { cycle: ['a', 'a'] },
    })
  })

  it('is refused with the name of an unknown dependency', () => {
    expect(refusal(() => propose(task('a'), task('b', 'a', 'z')))).toMatchObject({
      code: 'unknown_dependency',
      path: '$.tasks[1].depends_on[1]',
      details: { id: 'b', dependency: 'z' },
    })
  })

  it('may be a chain of ten thousand, in any order', () => {
    const chain = Array.from({ length: NODES_MAX }, (_, index) =>
      task(`t${index}`, ...(index === 0 ? [] : [`t${index - 1}`])),
    )
    const { nodes, critical_path_ms } = propose(...chain.toReversed())
    expect(nodes[0]?.id).toBe('t0')
    expect(nodes.at(-1)?.id).toBe(`t${NODES_MAX - 1}`)
    expect(critical_path_ms).toBe(nodes.reduce((sum, node) => sum + node.estimated_ms, 0))
    const closed = [...chain.slice(1), task('t0', `t${NODES_MAX - 1}`)]
    expect(refusal(() => propose(...closed)).details?.cycle).toHaveLength(NODES_MAX + 1)
  })

  it('has limits', () => {
    const many = Array.from({ length: NODES_MAX + 1 }, (_, index) => task(`t${index}`))
    expect(refusal(() => propose(...many)).code).toBe('too_many_nodes')
    const left = Array.from({ length: 400 }, (_, index) => task(`l${index}`))
    const ids = left.map(({ id }) => id)
    const right = Array.from({ length: EDGES_MAX / 400 + 1 }, (_, index) => task(`r${index}`, ...ids))
    expect(refusal(() => propose(...left, ...right)).code).toBe('too_many_edges')
  })
})

describe('any text', () => {
  const PIECES = [
    ...ONE_TASK,
    ...SEVERAL.map(([text]) => text),
    ' and ',
    ', ',
    '; ',
    '. ',
    '\n',
    '\n\n',
    '1. ',
    '2) ',
    '- ',
    '"',
    "'",
    '`',
    '```',
    '(',
    ')',
    ' then ',
    'if ',
    'it',
    'restart ',
    'build a system with ',
    '\uE000',
    '\u{1F600}',
    '\ud800',
    ':',
    ' or ',
    '    ',
    '\t',
    'first, ',
  ]

  it('becomes a valid graph, the same one each time', () => {
    let state = 42
    const draw = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    for (let round = 0; round < 2_000; round++) {
      let goal = ''
      for (let count = 1 + draw(8); count > 0; count--) goal += PIECES[draw(PIECES.length)]
      const complexity = ([undefined, 'simple', 'medium', 'complex'] as const)[draw(4)]
      const graph = decompose({ goal, complexity, acceptance_criteria: ['a', 'b'] })
      expectValid(graph.nodes)
      expect(JSON.stringify(decompose({ goal, complexity, acceptance_criteria: ['a', 'b'] }))).toBe(
        JSON.stringify(graph),
      )
      const owned = graph.nodes.flatMap(({ kind, acceptance_criteria }) => (kind === 'task' ? acceptance_criteria : []))
      expect(owned).toEqual(expect.arrayContaining(['a', 'b']))
    }
  })

  it.each([
    ['quotes', '"'.repeat(8_000)],
    ['opening quotes', '“'.repeat(8_000)],
    ['brackets', '('.repeat(8_000)],
    ['blanks', `a${' '.repeat(8_000)}b`],
    ['line ends', '\n'.repeat(8_000)],
    ['commas', ', '.repeat(4_000)],
    ['clauses', 'restart demo-api and '.repeat(380)],
    ['numbers', '1. 2. '.repeat(1_300)],
    ['a page', 'restart demo-api and check web-01. '.repeat(1_800)],
  ])('is read in a time that grows with its length: %s', (_what, goal) => {
    expectValid(decompose({ goal }).nodes)
  })
})

/** The contract's guarantees for every graph. */
function expectValid(nodes: readonly GoalNode[]): void {
  decomposeTask.output.shape.nodes.parse(nodes)
  const seen = new Set<string>()
  for (const { id, parent, depends_on } of nodes) {
    expect(seen.has(id)).toBe(false)
    if (parent !== undefined) expect(seen.has(parent)).toBe(true)
    for (const dependency of depends_on) expect(seen.has(dependency)).toBe(true)
    seen.add(id)
  }
  expect(nodes.some(({ kind }) => kind === 'task')).toBe(true)
}
