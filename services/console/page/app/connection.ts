/** The live connection of this tab. */
import { signedOut } from './call.ts'
import { openLive } from './live.ts'

export const live = openLive(`${location.origin.replace(/^http/, 'ws')}/api/live`, {
  onSignedOut: () => {
    signedOut.value += 1
  },
})
export const { connection } = live

const follow = (): void => live.see(!document.hidden)
document.addEventListener('visibilitychange', follow)
follow()
