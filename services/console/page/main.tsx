/** The page starts: the theme first, then the session, then what the address names. */
import { effect } from '@preact/signals'
import { render } from 'preact'
import { live } from './app/connection.ts'
import { startKeys } from './app/keys.ts'
import { startRouter } from './app/router.ts'
import { session, startSession } from './app/session.ts'
import { Shell } from './app/shell.tsx'
import { SignIn } from './app/sign-in.tsx'
import { startTheme } from './app/theme.ts'
import { Loading } from './components/states.tsx'

function Page() {
  if (session.value === undefined) return <Loading what="the console" />
  return session.value === null ? <SignIn /> : <Shell />
}

startTheme()
startRouter()
startKeys()
effect(() => {
  if (session.value) live.open()
  else live.close()
})
const root = document.getElementById('page')
if (root) {
  root.replaceChildren()
  render(<Page />, root)
}
await startSession()
