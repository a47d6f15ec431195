/** Nobody is signed in: by a provider, by a token, or by the link of the command line. */
import { useEffect, useState } from 'preact/hooks'
import { CommandLine } from '../components/id.tsx'
import { readProvider, signIn, signInByProvider, signInError } from './session.ts'

export function SignIn() {
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)
  const [provider, setProvider] = useState<string | null>(null)
  useEffect(() => {
    readProvider().then(setProvider, () => undefined)
  }, [])
  const wait = (work: Promise<void>) => {
    setBusy(true)
    work.finally(() => setBusy(false))
  }
  return (
    <main class="sign-in">
      <h1>Deed</h1>
      {provider && (
        <button type="button" class="primary" disabled={busy} onClick={() => wait(signInByProvider())}>
          Sign in with {provider}
        </button>
      )}
      <p>{provider ? 'Or open' : 'Open'} the link that this command prints, or paste a token:</p>
      <CommandLine command="console" />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          wait(signIn(token.trim()))
        }}
      >
        <label>
          <span>Token</span>
          <input
            type="password"
            name="token"
            value={token}
            required
            autocomplete="current-password"
            aria-describedby={signInError.value ? 'sign-in-error' : undefined}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class={provider ? undefined : 'primary'} disabled={busy}>
          Sign in
        </button>
      </form>
      {signInError.value && (
        <p id="sign-in-error" class="state error" role="alert">
          {signInError.value}
        </p>
      )}
    </main>
  )
}
