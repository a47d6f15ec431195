/** A program that speaks as `systemctl` 255 does, about units that are files, and lies where their file says so. */

export interface FakeUnit {
  active: boolean
  pid: number
  /** Of the start that it runs by. */
  invocation: number
  /** When it became active, in microseconds of the monotonic clock. */
  entered: number
  /** Processes that are left. */
  tasks: number
  result: string
  /** How often its state was asked for since it was asked to change. */
  looks: number
  log?: readonly string[]
  lie?: string
}

/** It runs, and has done so for long. */
export const UNIT: FakeUnit = {
  active: true,
  pid: 4_242,
  invocation: 1,
  entered: 5,
  tasks: 3,
  result: 'success',
  looks: 0,
}

/** Behind the helpers that all clients share. */
export const SYSTEMCTL = `
const [, verb] = argv
const name = argv.at(-1)
const state = load(name, 'Failed to get unit file state for ' + name + ': No such file or directory\\n')
const { lie = '' } = state
const up = () => {
  Object.assign(state, { active: true, pid: state.pid + 7, invocation: state.invocation + 1, tasks: 3, result: 'success', looks: 0 })
  state.entered = Number(process.hrtime.bigint() / 1000n)
}
const down = () => Object.assign(state, { active: false, tasks: 0, looks: 0 })
if (verb === 'show') {
  state.looks++
  const shown = { LoadState: 'loaded', ActiveState: state.active ? 'active' : 'inactive', SubState: state.active ? 'running' : 'dead',
    Result: state.result, Type: 'simple', MainPID: state.active ? state.pid : 0, NRestarts: 0, InvocationID: 'i' + state.invocation,
    ExecMainStatus: 0, TasksCurrent: state.active || state.tasks > 0 ? state.tasks : '[not set]',
    ActiveEnterTimestampMonotonic: state.entered, TimeoutStopUSec: '1min 30s' }
  const started = state.active && state.invocation > 1
  if (started && lie === 'activating') Object.assign(shown, { ActiveState: 'activating', SubState: 'start-pre' })
  if (started && lie === 'ends') Object.assign(shown, { SubState: 'exited', MainPID: 0 })
  if (started && lie === 'no-process') shown.MainPID = 0
  if (started && lie === 'watchdog') shown.Result = 'watchdog'
  if (started && lie === 'flaps') Object.assign(shown, { NRestarts: state.looks, MainPID: state.pid + state.looks })
  if (started && lie === 'dies' && state.looks > 1)
    Object.assign(shown, { ActiveState: 'failed', SubState: 'failed', MainPID: 0, Result: 'exit-code', ExecMainStatus: 1, TasksCurrent: '[not set]' })
  if (!state.active && lie === 'deactivating') Object.assign(shown, { ActiveState: 'deactivating', SubState: 'stop-sigterm' })
  save(name, state)
  process.stdout.write(Object.entries(shown).map(([key, value]) => key + '=' + value + '\\n').join(''))
  process.exit(0)
}
if (lie === 'refuses') fail('Failed to ' + verb + ' ' + name + ': Access denied')
if (lie !== 'claims' && lie !== verb + '-claims') {
  if (verb === 'start' && !state.active) up()
  if (verb === 'stop') down()
  if (verb === 'stop' && lie === 'leaves-processes') state.tasks = 2
  if (verb === 'stop' && lie === 'comes-back') up()
}
save(name, state)
`

/** The same unit's journal, as `journalctl` 255 prints it in JSON. */
export const JOURNALCTL = `
const name = argv.at(-1).split('=')[1]
const lines = logOf(name, load(name, '-- No entries --\\n'))
process.stdout.write(lines.map((MESSAGE) => JSON.stringify({ MESSAGE, __REALTIME_TIMESTAMP: '1704067200000000' }) + '\\n').join(''))
`
