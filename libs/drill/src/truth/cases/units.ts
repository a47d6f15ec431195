/** Units of systemd, whose client says yes while its own state says not really. */
import type { Case, Place } from '../case.ts'
import type { FakeUnit } from '../fake-systemctl.ts'
import { act } from './services.ts'

const unitOf = ({ name }: Pick<Place, 'name'>): string => `${name}.service`
const target: Case['target'] = (place) => ({ type: 'systemd', unit: unitOf(place) })
const DOWN: Partial<FakeUnit> = { active: false, tasks: 0 }

/** The verb, the lie, and what it is in words. None leaves the unit as it was asked for. */
const LIES: readonly [string, string, string][] = [
  ['start', 'claims', 'systemctl ends with 0 and starts nothing'],
  ['start', 'refuses', 'systemd denies it'],
  ['start', 'activating', 'it never gets beyond its preparations'],
  ['start', 'ends', 'its process ends at once'],
  ['start', 'no-process', 'it is active without a main process'],
  ['start', 'watchdog', 'its watchdog has given it up'],
  ['start', 'flaps', 'it is restarted again and again'],
  ['start', 'dies', 'it is active once and has failed then'],
  ['stop', 'claims', 'systemctl ends with 0 and stops nothing'],
  ['stop', 'refuses', 'systemd denies it'],
  ['stop', 'deactivating', 'it never ends'],
  ['stop', 'leaves-processes', 'processes of it are left'],
  ['stop', 'comes-back', 'its Restart= starts it again'],
  ['restart', 'claims', 'systemctl ends with 0 and does nothing'],
  ['restart', 'stop-claims', 'the stop does nothing, and the start finds it active'],
  ['restart', 'start-claims', 'it is stopped and never started'],
  ['restart', 'flaps', 'it is restarted again and again'],
  ['restart', 'dies', 'it is active once and has failed then'],
  ['restart', 'ends', 'its process ends at once'],
]

const lies = LIES.map(
  ([verb, lie, says]): Case => ({
    kind: `service.${verb}`,
    says: `${verb} of a unit: ${says}`,
    target,
    make(place) {
      place.clients.install(unitOf(place), { lie, ...(verb === 'start' ? DOWN : {}) })
      return { actions: [act(verb, place.name)], holds: () => false, world: () => '' }
    },
  }),
)

const missing = ['start', 'stop', 'restart', 'status'].map(
  (verb): Case => ({
    kind: `service.${verb}`,
    says: `${verb} of a unit that systemd does not know`,
    target,
    make: (place) => ({ actions: [act(verb, place.name)], holds: () => false }),
  }),
)

const ordinary = [true, false].flatMap((active) =>
  ['start', 'stop', 'restart', 'status'].map(
    (verb): Case => ({
      kind: `service.${verb}`,
      says: `${verb} of a unit that ${active ? 'is active' : 'is stopped'}`,
      target,
      make(place) {
        place.clients.install(unitOf(place), active ? {} : DOWN)
        const isActive = (): boolean => place.clients.unit(unitOf(place)).active
        return {
          actions: [act(verb, place.name)],
          holds: () => (verb === 'status' ? isActive() === active : isActive() === (verb !== 'stop')),
          world: () => String(isActive()),
          ...((verb === 'start') !== active && verb !== 'status' && (verb !== 'stop' || active) && verb !== 'restart'
            ? { undo: true as const }
            : {}),
        }
      },
    }),
  ),
)

export const units = { lies: [...lies, ...missing], ordinary }
