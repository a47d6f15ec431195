/** Two releases side by side. */
import type { Fault } from '../fault.ts'

export const versions: Fault = {
  id: 'F45',
  title: 'an older release runs beside this one',
  needs: () => 'a second release is wanted, and only one is here',
  run: () => Promise.reject(new Error('there is no second release')),
}
